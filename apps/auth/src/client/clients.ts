import { ClientId, type ClientMetadata } from '@ledgate/oauth'
import { type Clock, type CommandContext, type EventLog, handle, newId, type Written } from '../log/index.ts'
import type { Names } from '../name/index.ts'
import { client as decider, type ClientCommand, ClientRefused, usesSecret } from './client.decider.ts'
import { type ClientState, clientStream } from './events.ts'
import { hashSecret, newSecret } from '../credential/index.ts'
import { newClientId } from './client-id.ts'

/** A client as its stream says, and where the stream ends. */
export interface ReadClient {
  readonly state: ClientState
  readonly revision: bigint
}

const clientOf = (clientId: string) => ({ stream: clientStream.of(clientId), decider })

/** The client of that id, never older than the call. */
export async function readClient(log: EventLog, clientId: string): Promise<ReadClient | undefined> {
  const [newest] = await log.last(clientStream.of(clientId))
  return newest !== undefined && 'client' in newest.data
    ? { state: newest.data.client, revision: newest.revision }
    : undefined
}

export interface ClientsDependencies {
  readonly log: EventLog
  readonly names: Names
  readonly clock: Clock
}

/** A client to be: its id and secret are made when they are not given. */
export interface Registration {
  readonly client_id?: string | undefined
  readonly client_secret?: string | undefined
  readonly metadata: ClientMetadata
}

export interface Registered {
  readonly clientId: string
  /** Shown once; only its hash is kept. */
  readonly clientSecret?: string
  readonly position: string
}

/** The commands about clients. */
export interface Clients {
  /** @throws {NameTaken | ClientRefused} if the id is taken, or the secret does not fit the client. */
  register(registration: Registration, context: CommandContext): Promise<Registered>
  /** @throws {UnknownClient | ClientRefused} */
  change(
    clientId: string,
    command: Exclude<ClientCommand, { type: 'Register' }>,
    context: CommandContext,
  ): Promise<Written>
  /** Adds a secret beside the one in use, and answers it: it is shown once. */
  addSecret(
    clientId: string,
    context: CommandContext,
  ): Promise<{ secretId: string; clientSecret: string; position: string }>
}

/** The secret a client starts with: the configured one or a new one, if it proves itself by a secret at all. */
function secretFor(metadata: ClientMetadata, configured: string | undefined): string | undefined {
  if (usesSecret(metadata)) return configured ?? newSecret()
  if (configured !== undefined)
    throw new ClientRefused(
      `a client with the authentication method ${metadata.token_endpoint_auth_method} has no secret`,
    )
  return undefined
}

/** The commands over the log. */
export function openClients({ log, names, clock }: ClientsDependencies): Clients {
  const change: Clients['change'] = async (clientId, command, context) => {
    const { position } = await handle(log, clientOf(clientId), () => ({ command, context }))
    return { position: position ?? (await log.store.head()) }
  }

  return {
    change,

    async register({ client_id = newClientId(), client_secret, metadata }, context) {
      const secret = secretFor(metadata, client_secret)
      const secrets = secret === undefined ? [] : [hashSecret(secret, newId(), clock.now())]
      const name = { kind: 'client_id', name: ClientId.parse(client_id) } as const
      let then = context
      const reserve = async () => (then = await names.reserve([name], `client ${client_id}`, then))
      const { position = await log.store.head() } = await handle(log, clientOf(client_id), () => ({
        command: { type: 'Register', client_id, metadata, secrets, now: clock.now() } as const,
        context: reserve,
      }))
      return { clientId: client_id, ...(secret !== undefined && { clientSecret: secret }), position }
    },

    async addSecret(clientId, context) {
      const clientSecret = newSecret()
      const secret = hashSecret(clientSecret, newId(), clock.now())
      const { position } = await change(clientId, { type: 'AddSecret', secret, now: clock.now() }, context)
      return { secretId: secret.secret_id, clientSecret, position }
    },
  }
}
