import { runDecision } from '@ledgate/eventsourcing'
import { InvalidClient, InvalidRequest, isClientId, parseBasic, type TokenEndpointAuthMethod } from '@ledgate/oauth'
import type { CommandContext } from '../log/index.ts'
import { readResource, type ResourceState } from '../resource/index.ts'
import {
  type Asserting,
  ASSERTION_TYPE,
  type AssertionDependencies,
  claimedClientId,
  NOBODYS_KEYS,
  useUp,
  type VerifiedAssertion,
  verifyAssertion,
} from './assertion.ts'
import { type ClientState, DUMMY_CLIENT_ID, readClient } from '../client/index.ts'
import { matches, type Secret } from '../credential/index.ts'
import type { ClientGuard, Guess } from './guard.ts'

/** What of a request may say who sends it. */
export interface AuthenticationRequest {
  readonly authorization?: string | undefined
  readonly body: Readonly<Record<string, unknown>>
  /** The path it came to: an assertion may be meant for that endpoint. */
  readonly endpoint: string
  readonly context: CommandContext
}

/** Proves who calls an endpoint: a client, or a resource server. RFC 6749 §2.3, RFC 7523 §2.2. */
export interface ClientAuthentication {
  /**
   * @throws {InvalidClient | InvalidRequest} when it is not proved, or in two ways at once.
   * @throws {TooManyRequests} when the source failed too often at that client.
   */
  client(request: AuthenticationRequest): Promise<ClientState>
  /** A caller that may introspect tokens: a resource server, or a confidential client. */
  clientOrResource(
    request: AuthenticationRequest,
  ): Promise<{ kind: 'client'; client: ClientState } | { kind: 'resource'; resource: ResourceState }>
}

/** One way of proving, as it was tried. */
interface Attempt {
  readonly method: TokenEndpointAuthMethod
  readonly clientId: string
  readonly secret?: string
  readonly assertion?: string
}

/** The name under which failures count that gave no secret. */
const NO_SECRET = '(no secret)'

/** What is known of the claimed caller. */
interface Claimed {
  readonly methods: readonly TokenEndpointAuthMethod[]
  readonly secrets: readonly Secret[]
  readonly jwks: object | undefined
  readonly disabled: boolean
}

function only(...tried: boolean[]): void {
  if (tried.filter(Boolean).length > 1) throw new InvalidRequest('the client uses more than one authentication method')
}

const text = (body: Readonly<Record<string, unknown>>, name: string): string | undefined => {
  const value = body[name]
  return typeof value === 'string' ? value : undefined
}

/** How the request tries to prove itself: exactly one way. */
function attemptOf({ authorization, body }: AuthenticationRequest): Attempt {
  const secret = text(body, 'client_secret')
  const assertion = text(body, 'client_assertion')
  const clientId = text(body, 'client_id')
  only(authorization !== undefined, secret !== undefined, assertion !== undefined)
  if (authorization !== undefined) {
    const credentials = parseBasic(authorization)
    if (credentials === undefined) throw new InvalidClient('the Authorization header holds no Basic credentials')
    if (clientId !== undefined && clientId !== credentials.clientId)
      throw new InvalidRequest('client_id differs from the one in the Authorization header')
    return { method: 'client_secret_basic', clientId: credentials.clientId, secret: credentials.clientSecret }
  }
  if (assertion !== undefined) {
    if (text(body, 'client_assertion_type') !== ASSERTION_TYPE)
      throw new InvalidRequest('client_assertion_type is not supported')
    const claimed = claimedClientId(assertion)
    if (clientId !== undefined && clientId !== claimed)
      throw new InvalidRequest('client_id differs from the one in the assertion')
    return { method: 'private_key_jwt', clientId: claimed, assertion }
  }
  if (clientId === undefined) throw new InvalidClient('the request identifies no client')
  return secret === undefined ? { method: 'none', clientId } : { method: 'client_secret_post', clientId, secret }
}

const claimedClient = ({ metadata, secrets, disabled }: ClientState): Claimed => ({
  methods: [metadata.token_endpoint_auth_method],
  jwks: metadata.jwks,
  secrets,
  disabled,
})

/** A resource server authenticates by whatever it has: its secret, in either place, or its keys. */
const claimedResource = ({ metadata, secrets, disabled }: ResourceState): Claimed => ({
  methods: [
    ...(secrets.length > 0 ? (['client_secret_basic', 'client_secret_post'] as const) : []),
    ...(metadata.jwks === undefined ? [] : (['private_key_jwt'] as const)),
  ],
  jwks: metadata.jwks,
  secrets,
  disabled,
})

export interface AuthenticationDependencies extends AssertionDependencies {
  readonly issuer: string
  readonly guard: ClientGuard
}

/** An attempt under way: against whom, and whether it can succeed at all. */
interface Proving {
  readonly claimed: Claimed | undefined
  readonly reason: string | undefined
  readonly guess: Guess
  readonly request: AuthenticationRequest
}

/** Who was found under a name, and how they may prove themselves. */
type Found = { readonly claimed: Claimed } & (
  | { readonly kind: 'client'; readonly client: ClientState }
  | { readonly kind: 'resource'; readonly resource: ResourceState }
)

/** Why a caller is rejected regardless of its proof; `undefined` when the proof decides. */
function refusal(claimed: Claimed | undefined, method: TokenEndpointAuthMethod): string | undefined {
  if (claimed === undefined) return 'the client is unknown'
  if (claimed.disabled) return 'the client is disabled'
  if (!claimed.methods.includes(method))
    return `the client must authenticate with ${claimed.methods.join(' or ')}, not ${method}`
  if (method === 'private_key_jwt' && claimed.jwks === undefined) return 'the client has no keys'
  return undefined
}

/**
 * Authentication over the log: the client's stream is read at each request, so that a disabled one is out at once. Every
 * refusal takes the same reads and the same work, whether there is such a client or not.
 */
export function createClientAuthentication(dependencies: AuthenticationDependencies): ClientAuthentication {
  const { log, clock, issuer, guard } = dependencies
  /** A known client: its name was found recently. */
  let present = DUMMY_CLIENT_ID

  const looks = {
    async client(name: string): Promise<Found | undefined> {
      const found = await readClient(log, name)
      return found && { kind: 'client', client: found.state, claimed: claimedClient(found.state) }
    },
    async resource(name: string): Promise<Found | undefined> {
      const found = await readResource(log, name)
      return found && { kind: 'resource', resource: found.state, claimed: claimedResource(found.state) }
    },
  }
  type Kind = keyof typeof looks

  /** Looks a name up as one kind after the other; answers also how often in vain. */
  async function look(kinds: readonly Kind[], clientId: string): Promise<{ found?: Found; inVain: number }> {
    const name = isClientId(clientId) ? clientId : DUMMY_CLIENT_ID
    for (const [inVain, kind] of kinds.entries()) {
      const found = await looks[kind](name)
      if (found === undefined) continue
      if (found.kind === 'client') present = name
      return { found, inVain }
    }
    return { inVain: kinds.length }
  }

  /** Makes up for what was not read: each kind in vain, and somebody who is there. */
  async function level(kinds: readonly Kind[], { found, inVain }: { found?: Found; inVain: number }): Promise<void> {
    for (let reads = inVain; reads < kinds.length; reads += 1) await looks.client(DUMMY_CLIENT_ID)
    if (found === undefined) await looks.client(present)
  }

  /** A turn at a time of each source: signatures take their time, and bad ones are made for nothing. */
  async function verified(assertion: string, asserting: Asserting, guess: Guess): Promise<VerifiedAssertion | Error> {
    await guess.turn()
    let end: 'failed' | 'abandoned' = 'abandoned'
    try {
      return await verifyAssertion(assertion, asserting, clock)
    } catch (error) {
      if (!(error instanceof InvalidClient)) throw error
      end = 'failed'
      return error
    } finally {
      guess.leave(end)
    }
  }

  async function byAssertion(
    assertion: string,
    { clientId }: Attempt,
    { claimed, reason, guess, request }: Proving,
  ): Promise<Error | undefined> {
    const { context, endpoint } = request
    const jwks = claimed?.jwks ?? NOBODYS_KEYS
    const proof = await verified(assertion, { clientId, jwks, audience: [issuer, `${issuer}${endpoint}`] }, guess)
    if (reason !== undefined) return new InvalidClient(reason)
    if (proof instanceof Error) return proof
    try {
      await useUp(proof, clientId, { ...dependencies, context })
      return undefined
    } catch (error) {
      if (error instanceof InvalidClient) return error
      throw error
    }
  }

  /** Why the attempt proves nothing; a promise when there is an assertion, which has to be used up. */
  function problem(attempt: Attempt, proving: Proving): Error | undefined | Promise<Error | undefined> {
    const { secret, assertion } = attempt
    const { claimed, reason } = proving
    if (assertion !== undefined) return byAssertion(assertion, attempt, proving)
    const fits = secret === undefined || matches(secret, claimed?.secrets ?? [], clock.now())
    if (reason !== undefined) return new InvalidClient(reason)
    return fits ? undefined : new InvalidClient('the secret is wrong')
  }

  /**
   * Nothing is between the look at the guard and the count of a wrong secret, so that guesses at once are no more than
   * guesses one after the other. What is no secret is no guess at one: only failures of that kind are held against it.
   */
  async function prove(attempt: Attempt, kinds: readonly Kind[], request: AuthenticationRequest): Promise<Found> {
    const { method, clientId } = attempt
    const { source } = request.context
    const name = method === 'none' ? NO_SECRET : isClientId(clientId) ? clientId : DUMMY_CLIENT_ID
    if (method !== 'none') guard.begin(name, source)
    const looked = await look(kinds, clientId)
    const { found } = looked
    const reason = refusal(found?.claimed, method)
    if (found !== undefined && method === 'none' && reason === undefined) return found
    const guess = guard.begin(name, source)
    const outcome = problem(attempt, { claimed: found?.claimed, reason, guess, request })
    const error = outcome instanceof Promise ? await outcome : outcome
    if (error === undefined && found !== undefined) {
      guess.succeeded()
      return found
    }
    guess.failed()
    await level(kinds, looked)
    throw error ?? new InvalidClient('the client is unknown')
  }

  return {
    async client(request) {
      const found = await runDecision(() => prove(attemptOf(request), ['client'], request))
      if (found.kind !== 'client') throw new InvalidClient('a resource server cannot act as a client')
      return found.client
    },

    async clientOrResource(request) {
      const attempt = attemptOf(request)
      if (attempt.method === 'none') throw new InvalidClient('a public client cannot authenticate')
      return runDecision(() => prove(attempt, ['resource', 'client'], request))
    },
  }
}
