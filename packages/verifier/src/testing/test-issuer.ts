import { randomUUID } from 'node:crypto'
import { decodeJwt } from 'jose'
import type { SignatureAlgorithm } from '@ledgate/jws'
import type { IssuerOptions, VerifierOptions } from '../options/index.ts'
import { testFeed } from './test-feed.ts'
import { type Revoked, revoking } from './test-statements.ts'
import { testKey } from './test-signing-key.ts'

export interface TestIssuerOptions {
  readonly issuer?: string
  /** The `aud` of tokens that are told no other. */
  readonly audience?: string
  /** What tokens are signed by; ES256 unless told. */
  readonly algorithm?: SignatureAlgorithm
  /** Milliseconds since the epoch. */
  readonly now?: () => number
}

/** Claims of a token, by their names on the wire; `undefined` leaves one out that would be there. */
export type TestClaims = Readonly<Record<string, unknown>>

/** An issuer inside a test: its keys, its tokens and its revocations, and no network. */
export interface TestIssuer {
  readonly issuer: string
  readonly audience: string
  /** The id of the key that tokens are signed by. */
  readonly kid: string
  /**
   * An access token as RFC 9068 has it, good for five minutes, with these claims over the usual ones. Its epochs are those of
   * now: a token made after a person's were revoked is good.
   *
   * @param header parameters over the usual ones.
   */
  token(claims?: TestClaims, header?: Readonly<Record<string, unknown>>): Promise<string>
  /**
   * Ends a token, or all of a session, grant, person, client, key or of the issuer. When it resolves, every verifier that
   * reads the feed refuses them.
   */
  revoke(what: string | Revoked): Promise<void>
  /** Stops the feed, so that verifiers grow stale. */
  silence(): void
  /** Lets it go on. */
  resume(): void
  /** Answers with the metadata and key sets, and knows no other address. */
  readonly fetch: typeof fetch
  /** Options for `createVerifier` that trust this issuer, with these over them. */
  verifierOptions(over?: Partial<OneIssuerOptions>): OneIssuerOptions
}

/** Options of a verifier in the short form, for one issuer. */
export type OneIssuerOptions = Extract<VerifierOptions, IssuerOptions>

const LIFETIME_SECONDS = 300

/** Makes an issuer, with keys of its own. */
export async function testIssuer(options: TestIssuerOptions = {}): Promise<TestIssuer> {
  const { issuer = 'https://auth.test', audience = 'https://api.test', algorithm = 'ES256', now = Date.now } = options
  const [tokenKey, feedKey] = await Promise.all([
    testKey('test-token-key', algorithm),
    testKey('test-feed-key', 'ES256'),
  ])
  const statements = revoking({ issuer, now, signer: feedKey })
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
    return { iss: issuer, sub, client_id: clientId, aud: audience, jti: randomUUID(), ...times, ...epochs }
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
