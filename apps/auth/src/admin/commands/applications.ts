import type { JsonObject } from '@ledgate/eventsourcing'
import { ClientId, type ClientMetadata, type ResourceMetadata } from '@ledgate/oauth'
import { z } from 'zod'
import { ClientRegistration, type Clients, clientUpdate, readClient } from '../../client/index.ts'
import type { CommandContext, EventLog, Written } from '../../log/index.ts'
import type { Page as PageOptions } from '../../projection/index.ts'
import { Malformed } from '../../refusal/index.ts'
import { readResource, ResourceRegistration, type Resources, resourceUpdate } from '../../resource/index.ts'
import { command, type Commands } from './command.ts'
import { Page, Reason, text } from './input.ts'
import { issueLines } from './refusal-message.ts'
import { asJson, found, type FreshViews, type ShownViews } from './fresh-views.ts'

export interface ApplicationCommandDependencies {
  readonly log: EventLog
  readonly clients: Clients
  readonly resources: Resources
}

const Named = z.object({ client_id: text })
const SecretOf = Named.extend({ secret_id: text })

/** Metadata that replaces other metadata: what is kept decides what it may be. */
const Replacing = z.looseObject({})

/** @throws {Malformed} */
function replacing<Schema extends z.ZodType>(schema: Schema, metadata: unknown): z.output<Schema> {
  const parsed = schema.safeParse(metadata)
  if (!parsed.success) throw new Malformed(issueLines(parsed.error, ['metadata']).join('; '))
  return parsed.data
}

type Made = { readonly clientSecret?: string; readonly position: string }

/** A client or resource server as RFC 7591 §3.2.1 answers it: secrets do not expire. */
const registered = (
  clientId: string,
  metadata: ClientMetadata | ResourceMetadata,
  { clientSecret, position }: Made,
): JsonObject => ({
  client_id: clientId,
  ...(clientSecret !== undefined && { client_secret: clientSecret, client_secret_expires_at: 0 }),
  ...(metadata as JsonObject),
  position,
})

const shownSecret = (made: { secretId: string; clientSecret: string; position: string }): JsonObject => ({
  secret_id: made.secretId,
  client_secret: made.clientSecret,
  position: made.position,
})

type Change =
  | { readonly type: 'Disable'; readonly reason: string }
  | { readonly type: 'Enable' }
  | { readonly type: 'RevokeSecret'; readonly secret_id: string }

/** What differs between clients and resource servers. */
interface Applications<Metadata extends ClientMetadata | ResourceMetadata> {
  readonly noun: 'clients' | 'resources'
  readonly what: string
  readonly Registration: z.ZodType<Metadata>
  updateOf(clientId: string): Promise<z.ZodType<Metadata>>
  list(views: ShownViews, page: PageOptions): readonly object[]
  byId(views: ShownViews, clientId: string): object | undefined
  register(
    registration: { readonly client_id?: string | undefined; readonly metadata: Metadata },
    context: CommandContext,
  ): Promise<Made & { readonly clientId: string }>
  update(clientId: string, metadata: Metadata, context: CommandContext): Promise<Written>
  change(clientId: string, change: Change, context: CommandContext): Promise<Written>
  addSecret(
    clientId: string,
    context: CommandContext,
  ): Promise<{ secretId: string; clientSecret: string; position: string }>
}

function commandsFor<Metadata extends ClientMetadata | ResourceMetadata>(
  applications: Applications<Metadata>,
  { fresh }: FreshViews,
): Commands {
  const { noun, what, Registration } = applications
  return {
    [`${noun} list`]: command(Page, async (page) => ({ [noun]: asJson(applications.list(await fresh(), page)) })),
    [`${noun} show`]: command(Named, async ({ client_id }) => found(applications.byId(await fresh(), client_id), what)),
    [`${noun} create`]: command(
      z.object({ client_id: ClientId.optional(), metadata: Registration }),
      async (registration, context) => {
        const made = await applications.register(registration, context)
        return registered(made.clientId, registration.metadata, made)
      },
    ),
    [`${noun} update`]: command(
      Named.extend({ metadata: Replacing }),
      async ({ client_id, metadata: given }, context) => {
        const metadata = replacing(await applications.updateOf(client_id), given)
        return registered(client_id, metadata, await applications.update(client_id, metadata, context))
      },
    ),
    [`${noun} disable`]: command(Named.extend({ reason: Reason }), ({ client_id, reason }, context) =>
      applications.change(client_id, { type: 'Disable', reason }, context),
    ),
    [`${noun} enable`]: command(Named, ({ client_id }, context) =>
      applications.change(client_id, { type: 'Enable' }, context),
    ),
    [`${noun} add-secret`]: command(Named, async ({ client_id }, context) =>
      shownSecret(await applications.addSecret(client_id, context)),
    ),
    [`${noun} revoke-secret`]: command(SecretOf, ({ client_id, secret_id }, context) =>
      applications.change(client_id, { type: 'RevokeSecret', secret_id }, context),
    ),
  }
}

/** The commands about clients. */
export const clientCommands = (
  { log, clients }: Pick<ApplicationCommandDependencies, 'log' | 'clients'>,
  views: FreshViews,
): Commands =>
  commandsFor<ClientMetadata>(
    {
      noun: 'clients',
      what: 'client',
      Registration: ClientRegistration,
      updateOf: async (clientId) => clientUpdate((await readClient(log, clientId))?.state.metadata),
      list: (shown, page) => shown.clients.list(page),
      byId: (shown, clientId) => shown.clients.byId(clientId),
      register: clients.register,
      update: (clientId, metadata, context) => clients.change(clientId, { type: 'Update', metadata }, context),
      change: clients.change,
      addSecret: clients.addSecret,
    },
    views,
  )

/** The commands about resource servers. */
export const resourceCommands = (
  { log, resources }: Pick<ApplicationCommandDependencies, 'log' | 'resources'>,
  views: FreshViews,
): Commands =>
  commandsFor<ResourceMetadata>(
    {
      noun: 'resources',
      what: 'resource server',
      Registration: ResourceRegistration,
      updateOf: async (clientId) => resourceUpdate((await readResource(log, clientId))?.state.metadata),
      list: (shown, page) => shown.resources.list(page),
      byId: (shown, clientId) => shown.resources.byId(clientId),
      register: resources.register,
      update: resources.update,
      change: resources.change,
      addSecret: resources.addSecret,
    },
    views,
  )
