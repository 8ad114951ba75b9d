import { decodeJwt } from 'jose'
import type { SignatureAlgorithm } from '@ledgate/jws'
import type { IssuerOptions, VerifierOptions } from '../options/index.ts'
import { testFeed } from './test-feed.ts'
import { type Revoked, testStatements } from './test-statements.ts'
import { testKey } from './test-signing-key.ts'

export interface TestIssuerOptions {
  readonly issuer?: string
  /** The default `aud` of tokens. */
  readonly audience?: string
  /** The algorithm of the key that signs tokens. Default: ES256. */
  readonly algorithm?: SignatureAlgorithm
  /** Milliseconds since the epoch. */
  readonly now?: () => number
}

/** Claims of a token, by their names on the wire; `undefined` omits a default claim. */
export type TestClaims = Readonly<Record<string, unknown>>

/** An issuer inside a test, with keys, tokens and revocations, and without a network. */
export interface TestIssuer {
  readonly issuer: string
  readonly audience: string
  /** The `kid` of the key that signs tokens. */
  readonly kid: string
  /**
   * Signs an access token (RFC 9068) that is valid for five minutes. Its epochs are the current ones: a token that is issued after
   * the tokens of its user were revoked is valid.
   *
   * @param claims override the default claims.
   * @param header overrides the default header parameters.
   */
  token(claims?: TestClaims, header?: Readonly<Record<string, unknown>>): Promise<string>
  /**
   * Revokes a token, or all tokens of a session, grant, user, client, key or the issuer. When it resolves, every verifier that
   * reads the feed refuses them.
   */
  revoke(what: string | Revoked): Promise<void>
  /** Stops the feed, so that verifiers become stale. */
  silence(): void
  /** Continues the feed. */
  resume(): void
  /** Answers requests for the metadata and the key sets, and 404 for other URLs. */
  readonly fetch: typeof fetch
  /** Options for `createVerifier` that trust this issuer. @param over overrides them. */
  verifierOptions(over?: Partial<OneIssuerOptions>): OneIssuerOptions
}

/** Options of a verifier for one issuer, in the short form. */
export type OneIssuerOptions = Extract<VerifierOptions, IssuerOptions>

const LIFETIME_SECONDS = 300

/**
 * Creates an issuer with keys of its own.
 *
 * @example
 * ```ts
 * import assert from 'node:assert/strict'
 * import { createVerifier } from '@ledgate/verifier'
 * import { testIssuer } from '@ledgate/verifier/testing'
 *
 * const issuer = await testIssuer()
 * await using verifier = createVerifier(issuer.verifierOptions())
 * await verifier.start()
 *
 * const token = await issuer.token({ sub: 'u_1', scope: 'orders:read' })
 * assert.equal((await verifier.verify(token)).sub, 'u_1')
 * await issuer.revoke(token)
 * await assert.rejects(verifier.verify(token), { code: 'token_revoked' })
 * ```
 */
export async function testIssuer(options: TestIssuerOptions = {}): Promise<TestIssuer> {
  const { issuer = 'https://auth.test', audience = 'https://api.test', algorithm = 'ES256', now = Date.now } = options
  const [tokenKey, feedKey] = await Promise.all([
    testKey('test-token-key', algorithm),
    testKey('test-feed-key', 'ES256'),
  ])
  const statements = testStatements({ issuer, now, signer: feedKey })
  const feed = testFeed(statements.heartbeat)
  let notices = 0

  const documents: Readonly<Record<string, object>> = {
    [`${issuer}/.well-known/oauth-authorization-server`]: { issuer, jwks_uri: `${issuer}/oauth2/jwks` },
    [`${issuer}/oauth2/jwks`]: { keys: [tokenKey.jwk] },
    [`${issuer}/revocations/jwks`]: { keys: [feedKey.jwk] },
  }

  function usualClaims({ sub = 'u_test', client_id: clientId = 'c_test' }: TestClaims): TestClaims {
    const iat = Math.floor(now() / 1000)
    const epochs = {
      ...(sub !== clientId && { user_epoch: statements.epochOf('user', String(sub)) }),
      client_epoch: statements.epochOf('client', String(clientId)),
      issuer_epoch: statements.epochOf('issuer', issuer),
    }
    const times = { iat, exp: iat + LIFETIME_SECONDS }
    return { iss: issuer, sub, client_id: clientId, aud: audience, jti: crypto.randomUUID(), ...times, ...epochs }
  }

  const answer: typeof fetch = async (input) => {
    const document = documents[input instanceof Request ? input.url : String(input)]
    return document === undefined ? new Response(null, { status: 404 }) : Response.json(document)
  }

  return {
    issuer,
    audience,
    kid: tokenKey.kid,
    token: (claims = {}, header = {}) =>
      tokenKey.sign({ typ: 'at+jwt', ...header }, { ...usualClaims(claims), ...claims }),
    async revoke(what) {
      const revoked = typeof what === 'string' ? ({ scope: 'jti', id: String(decodeJwt(what).jti) } as const) : what
      await feed.push(() => statements.notice(revoked, (notices += 1)))
    },
    silence: feed.silence,
    resume: feed.resume,
    fetch: answer,
    verifierOptions: (over = {}) => ({
      issuer,
      audience,
      algorithms: [algorithm],
      jwks: { fetch: answer },
      revocations: feed,
      ...over,
    }),
  }
}
