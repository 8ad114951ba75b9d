import { InvalidClient, InvalidRequest, isClientId, parseBasic, type TokenEndpointAuthMethod } from '@ledgate/oauth'
import type { CommandContext } from '../log/index.ts'
import { readResource } from '../resource/resources.ts'
import type { ResourceState } from '../resource/events.ts'
import { ASSERTION_TYPE, type AssertionDependencies, claimedClientId, proveAssertion } from './assertion.ts'
import { readClient } from './clients.ts'
import type { ClientState, Secret } from './events.ts'
import { matches } from './secret.ts'

/** What of a request may say who sends it. */
export interface AuthenticationRequest {
  readonly authorization?: string | undefined
  readonly body: Readonly<Record<string, unknown>>
  readonly context: CommandContext
}

/** Proves who calls an endpoint: a client, or a resource server. RFC 6749 §2.3, RFC 7523 §2.2. */
export interface ClientAuthentication {
  /** @throws {InvalidClient | InvalidRequest} when it is not proved, or in two ways at once. */
  client(request: AuthenticationRequest): Promise<ClientState>
  /** Whoever may ask about tokens: a resource server, or a client that has something to prove itself with. */
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

/** What is known of whoever claims to call. */
interface Claimed {
  readonly methods: readonly TokenEndpointAuthMethod[]
  readonly secrets: readonly Secret[]
  readonly jwks: object | undefined
  readonly disabled: boolean
}

function only(...tried: boolean[]): void {
  if (tried.filter(Boolean).length > 1) throw new InvalidRequest('the client authenticates in more than one way')
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
    if (credentials === undefined) throw new InvalidClient('the Authorization header is no Basic credentials')
    if (clientId !== undefined && clientId !== credentials.clientId)
      throw new InvalidRequest('client_id is not the one in the header')
    return { method: 'client_secret_basic', clientId: credentials.clientId, secret: credentials.clientSecret }
  }
  if (assertion !== undefined) {
    if (text(body, 'client_assertion_type') !== ASSERTION_TYPE)
      throw new InvalidRequest('client_assertion_type is not supported')
    const claimed = claimedClientId(assertion)
    if (clientId !== undefined && clientId !== claimed)
      throw new InvalidRequest('client_id is not the one in the assertion')
    return { method: 'private_key_jwt', clientId: claimed, assertion }
  }
  if (clientId === undefined) throw new InvalidClient('the client does not say who it is')
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

/** Authentication over the log: the client's stream is read at each request, so that a disabled one is out at once. */
export function clientAuthentication(dependencies: AssertionDependencies): ClientAuthentication {
  const { log, clock } = dependencies

  /** @returns a promise when there is an assertion, which has to be used up. */
  function prove(attempt: Attempt, claimed: Claimed | undefined, context: CommandContext): Promise<void> | undefined {
    const { method, clientId, secret, assertion } = attempt
    // The secret is compared first, whoever it is, so that an unknown client takes as long as a known one.
    const secretFits = secret !== undefined && matches(secret, claimed?.secrets ?? [], clock.now())
    if (claimed === undefined) throw new InvalidClient('the client is unknown')
    if (claimed.disabled) throw new InvalidClient('the client is disabled')
    if (!claimed.methods.includes(method))
      throw new InvalidClient(`the client authenticates by ${claimed.methods.join(' or ')}, not ${method}`)
    if (secret !== undefined && !secretFits) throw new InvalidClient('the secret is wrong')
    if (assertion === undefined) return undefined
    if (claimed.jwks === undefined) throw new InvalidClient('the client has no keys')
    return proveAssertion(assertion, { clientId, jwks: claimed.jwks }, { ...dependencies, context })
  }

  async function client(attempt: Attempt, context: CommandContext): Promise<ClientState> {
    const found = isClientId(attempt.clientId) ? await readClient(log, attempt.clientId) : undefined
    const proved = prove(attempt, found && claimedClient(found.state), context)
    if (proved !== undefined) await proved
    if (found === undefined) throw new InvalidClient('the client is unknown')
    return found.state
  }

  return {
    client: async (request) => client(attemptOf(request), request.context),

    async clientOrResource(request) {
      const attempt = attemptOf(request)
      const resource = isClientId(attempt.clientId) ? await readResource(log, attempt.clientId) : undefined
      if (resource !== undefined) {
        await prove(attempt, claimedResource(resource.state), request.context)
        return { kind: 'resource', resource: resource.state }
      }
      if (attempt.method === 'none') throw new InvalidClient('a public client has nothing to prove itself with')
      return { kind: 'client', client: await client(attempt, request.context) }
    },
  }
}
