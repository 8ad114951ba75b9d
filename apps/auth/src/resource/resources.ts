import { ClientId, isSameResource, normalizeResource, type ResourceMetadata, spellingsOf } from '@ledgate/oauth'
import { hashSecret, newSecret } from '../credential/index.ts'
import {
  type Clock,
  type CommandContext,
  consequenceOf,
  type EventLog,
  handle,
  type KeyedHash,
  newId,
  type Written,
} from '../log/index.ts'
import { resource as decider, type ResourceCommand, ResourceRefused } from './resource.decider.ts'
import { type ResourceState, resourceStream } from './events.ts'
import { type Name, type Names, NameTaken } from '../name/index.ts'

/** A resource server as its stream says, and where the stream ends. */
export interface ReadResource {
  readonly state: ResourceState
  readonly revision: bigint
}

const resourceOf = (clientId: string) => ({ stream: resourceStream.of(clientId), decider })

/** The resource server with that `client_id`, never older than the call. */
export async function readResource(log: EventLog, clientId: string): Promise<ReadResource | undefined> {
  const [newest] = await log.last(resourceStream.of(clientId))
  return newest !== undefined && 'resource' in newest.data
    ? { state: newest.data.resource, revision: newest.revision }
    : undefined
}

/** A resource server to be. Without a secret of its own it gets one, unless it has keys to prove itself with. */
export interface Registration {
  readonly client_id?: string | undefined
  readonly client_secret?: string | undefined
  readonly metadata: ResourceMetadata
}

export interface RegisteredResource {
  readonly clientId: string
  /** Shown once; only its hash is kept. */
  readonly clientSecret?: string
  readonly position: string
}

/** The commands about resource servers. */
export interface Resources {
  /** The `client_id` of one that is registered for an identifier without one. */
  idFor(resource: string): string
  /** @throws {NameTaken | ResourceRefused} when its id, its identifier or one of its scopes is somebody's already. */
  register(registration: Registration, context: CommandContext): Promise<RegisteredResource>
  /** @throws {UnknownResource | ResourceRefused} */
  change(
    clientId: string,
    command: Exclude<ResourceCommand, { type: 'Register' | 'Update' }>,
    context: CommandContext,
  ): Promise<Written>
  /**
   * Takes the names it did not have before it is changed, and gives back those it has no more.
   *
   * @throws {NameTaken | ResourceRefused}
   */
  update(clientId: string, metadata: ResourceMetadata, context: CommandContext): Promise<Written>
  /** Adds a secret beside the one in use, and answers it: it is shown once. */
  addSecret(
    clientId: string,
    context: CommandContext,
  ): Promise<{ secretId: string; clientSecret: string; position: string }>
}

export interface ResourcesDependencies {
  readonly log: EventLog
  readonly names: Names
  readonly clock: Clock
  readonly keyedHash: KeyedHash
  /** Whose identifier no resource server may have. */
  readonly issuer?: string
}

/** Everything that must have no second owner; a `resource` also in the spelling by which it is compared. */
const namesOf = (clientId: string, { resource, scopes_supported: scopes }: ResourceMetadata): readonly Name[] => [
  { kind: 'client_id', name: clientId },
  ...[...new Set([resource, normalizeResource(resource)])].map((name) => ({ kind: 'resource', name }) as const),
  ...scopes.map((name) => ({ kind: 'scope', name }) as const),
]

/**
 * The commands over the log. Names are reserved before the registration; whoever died in between is completed by the
 * same registration, for which a made id depends on the identifier and on nothing else.
 */
export function openResources({ log, names, clock, keyedHash, issuer }: ResourcesDependencies): Resources {
  const idFor = (resource: string) => `r_${keyedHash(`resource server ${resource}`).slice(0, 32)}`

  /**
   * Releases before reserved the one spelling alone that was registered.
   *
   * @throws {NameTaken | ResourceRefused} when the identifier, in any spelling, is another's or the issuer's.
   */
  async function assertUnnamed({ resource }: ResourceMetadata, owner: string): Promise<void> {
    // Tokens for the issuer are never encrypted, whatever a resource server of that name would ask for.
    if (issuer !== undefined && isSameResource(resource, issuer))
      throw new ResourceRefused('the resource identifier is that of the issuer')
    for (const name of spellingsOf(resource)) {
      const current = await names.owner('resource', name)
      if (current !== undefined && current !== owner) throw new NameTaken({ kind: 'resource', name }, current)
    }
  }

  const change: Resources['change'] = async (clientId, command, context) => {
    const { position } = await handle(log, resourceOf(clientId), () => ({ command, context }))
    return { position: position ?? (await log.store.head()) }
  }

  /** The names of one list that are not in the other. */
  const without = (names: readonly Name[], others: readonly Name[]) =>
    names.filter(({ kind, name }) => !others.some((other) => other.kind === kind && other.name === name))

  /** Another writer may have released what this one counted on, who was refused: by then it is said whose it is. */
  const keep = (owned: readonly Name[], owner: string, context: CommandContext) =>
    names.reserve(owned, owner, { ...consequenceOf(context), commandId: `${context.commandId}/again` })

  const update: Resources['update'] = async (clientId, metadata, context) => {
    const owner = `resource ${clientId}`
    const after = namesOf(clientId, metadata)
    const namesBefore = (state: ResourceState | undefined) =>
      state === undefined ? [] : namesOf(clientId, state.metadata)
    let then = context

    /** The names that it does not have yet. */
    function wanted(state: ResourceState | undefined): readonly Name[] {
      const isRenamed = state?.metadata.resource !== metadata.resource
      return without(
        after,
        namesBefore(state).filter(({ kind }) => !isRenamed || kind !== 'resource'),
      )
    }

    async function reserve(state: ResourceState | undefined, race: number): Promise<CommandContext> {
      // Whoever was overtaken decides again, by the right of now; without it, nothing that was taken stays.
      if (race > 0)
        await context.authority?.establish().catch(async (error: unknown) => {
          await names.release(without(after, namesBefore(state)), owner, context)
          throw error
        })
      if (state?.metadata.resource !== metadata.resource) await assertUnnamed(metadata, owner)
      then = await names.reserve(wanted(state), owner, then)
      return then
    }

    const { before, position = await log.store.head() } = await handle(
      log,
      resourceOf(clientId),
      ({ state, race }) => ({
        command: { type: 'Update', metadata } as const,
        context: () => reserve(state, race),
      }),
    )
    await keep(wanted(before), owner, context)
    await names.release(without(namesBefore(before), after), owner, context)
    return { position }
  }

  return {
    idFor,
    change,
    update,

    async register({ client_id, client_secret, metadata }, context) {
      const clientId = ClientId.parse(client_id ?? idFor(metadata.resource))
      const secret = client_secret ?? (metadata.jwks === undefined ? newSecret() : undefined)
      const secrets = secret === undefined ? [] : [hashSecret(secret, newId(), clock.now())]
      const owned = namesOf(clientId, metadata)
      const owner = `resource ${clientId}`
      let then = context
      async function reserve(): Promise<CommandContext> {
        await assertUnnamed(metadata, owner)
        then = await names.reserve(owned, owner, then)
        return then
      }
      const { position = await log.store.head() } = await handle(log, resourceOf(clientId), async ({ state, race }) => {
        // Another registration of this id was faster: what only this one asked for stays nobody's.
        if (race > 0 && state !== undefined)
          await names.release(without(owned, namesOf(clientId, state.metadata)), owner, context)
        const command = { type: 'Register', client_id: clientId, metadata, secrets, now: clock.now() } as const
        return { command, context: reserve }
      })
      await keep(owned, owner, context)
      return { clientId, ...(secret !== undefined && { clientSecret: secret }), position }
    },

    async addSecret(clientId, context) {
      const clientSecret = newSecret()
      const secret = hashSecret(clientSecret, newId(), clock.now())
      const { position } = await change(clientId, { type: 'AddSecret', secret, now: clock.now() }, context)
      return { secretId: secret.secret_id, clientSecret, position }
    },
  }
}
