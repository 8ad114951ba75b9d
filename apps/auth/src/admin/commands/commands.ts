import type { JsonObject, Position } from '@ledgate/eventsourcing'
import { ClientId, type ClientMetadata, type ResourceMetadata } from '@ledgate/oauth'
import { z } from 'zod'
import { type Accounts } from '../users/index.ts'
import { PersonName } from '../../user/index.ts'
import {
  ClientRegistration,
  type Clients,
  clientUpdate,
  readClient,
  ResourceRegistration,
  resourceUpdate,
} from '../../client/index.ts'
import type { Installation } from '../../issuer-epoch/index.ts'
import type { EventLog } from '../../log/index.ts'
import { readResource, type Resources } from '../../resource/index.ts'
import type { DerivationKeys, SigningKeys } from '../../signing-key/index.ts'
import { LARGEST_LIMIT } from '../../projection/index.ts'
import type { AuditQueries } from '../../audit/index.ts'
import type { ClientQueries } from '../../client/index.ts'
import type { PositionWaiter } from '../../projection/index.ts'
import type { ResourceQueries } from '../../resource/index.ts'
import type { UserQueries } from '../../user/index.ts'
import { wholeNumber } from '../../config/index.ts'
import { command, type OperatorCommand } from './command.ts'
import { EventsQuery, listEvents } from './search-events.ts'
import { issueLines } from './refusal.ts'
import { Malformed, NotFound, Refused, ViewsBehind } from '../../refusal/index.ts'

type Ring<Keys extends Record<'read' | 'rotate' | 'compromise', unknown>> = Pick<Keys, 'read' | 'rotate' | 'compromise'>

/** The views that the commands show. */
export interface ShownViews extends PositionWaiter {
  readonly users: UserQueries
  readonly clients: ClientQueries
  readonly resources: ResourceQueries
  readonly audit: AuditQueries
}

export interface OperatorDependencies {
  readonly log: EventLog
  readonly views: ShownViews
  readonly clients: Clients
  readonly resources: Resources
  readonly installation: Pick<Installation, 'endAllTokens'>
  /** Reads the master keys again, and wraps by the first of them whatever another one wrapped. */
  rewrapVault(): Promise<number>
  /** Keys that were destroyed, and are still in the files of a database until it was scavenged. */
  pendingErasures(): Promise<
    readonly {
      readonly name: string
      readonly nodes: readonly string[]
      readonly behind: readonly string[]
      readonly destroyed: number
    }[]
  >
  readonly signingKeys: Ring<SigningKeys>
  readonly feedKeys: Ring<SigningKeys>
  readonly derivationKeys: Ring<DerivationKeys>
  readonly accounts: Pick<
    Accounts,
    'create' | 'disable' | 'enable' | 'assignRoles' | 'revokeSessions' | 'resetPassword' | 'erase' | 'findSub'
  >
}

/** Milliseconds a list waits for the views to hold what was written before it was asked for. */
const FRESH_WITHIN_MS = 5_000

const text = z.string().min(1)
const words = z.array(text.max(100)).max(100)
const Reason = text.max(200).default('by an operator')
const Page = z.object({
  after: z.string().optional().meta({ description: 'the key of the last entry of the page before' }),
  limit: wholeNumber(1, LARGEST_LIMIT).optional(),
})
/** A person by `sub`; at the command line by address, too. */
const Person = z.object({ sub: text })
const Client = z.object({ client_id: text })
const SecretOf = Client.extend({ secret_id: text })
const Use = z.object({ use: z.enum(['signing', 'feed', 'derivation']) })
const KeyOf = Use.extend({ kid: text })

/** What is known of somebody, if anybody is. */
function found(view: object | undefined, what: string): JsonObject {
  if (view === undefined) throw new NotFound(what)
  return view as JsonObject
}

/** Metadata that takes the place of another: what is kept decides what it may be. */
const Replacing = z.looseObject({})

/** @throws {Malformed} */
function replacing<Schema extends z.ZodType>(schema: Schema, metadata: unknown): z.output<Schema> {
  const parsed = schema.safeParse(metadata)
  if (!parsed.success) throw new Malformed(issueLines(parsed.error, ['metadata']).join('; '))
  return parsed.data
}

const asJson = (values: readonly object[]) => values as readonly JsonObject[]

/** A client or resource server as RFC 7591 §3.2.1 answers it: secrets do not expire. */
const registered = (
  clientId: string,
  metadata: ClientMetadata | ResourceMetadata,
  { clientSecret, position }: { readonly clientSecret?: string; readonly position: string },
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

type Commands = Readonly<Record<string, OperatorCommand>>

function userCommands({ accounts }: OperatorDependencies, fresh: () => Promise<ShownViews>): Commands {
  const show = async (sub: string | undefined) =>
    found(sub === undefined ? undefined : await (await fresh()).users.bySub(sub), 'user')
  const isAddress = (person: string) => person.includes('@')
  return {
    'users list': command(Page, async (page) => ({ users: asJson(await (await fresh()).users.list(page)) })),
    'users find': command(z.object({ email: text }), async ({ email }) => show(await accounts.findSub(email))),
    'users show': command(Person, async ({ sub }) => show(isAddress(sub) ? await accounts.findSub(sub) : sub)),
    'users create': command(
      z.object({
        email: text,
        password: text,
        name: PersonName.optional(),
        roles: words.default([]),
        entitlements: words.default([]),
      }),
      async (person, context) => {
        const { sub, isNew, position } = await accounts.create(person, context)
        if (!isNew) throw new Refused('the address already has an account')
        return { sub, position }
      },
    ),
    'users disable': command(Person.extend({ reason: Reason }), async ({ sub, reason }, context) =>
      accounts.disable(sub, reason, context),
    ),
    'users enable': command(Person, async ({ sub }, context) => accounts.enable(sub, context)),
    'users roles': command(Person.extend({ roles: words, entitlements: words }), async ({ sub, ...rights }, context) =>
      accounts.assignRoles(sub, rights, context),
    ),
    'users erase': command(Person.extend({ reason: Reason }), async ({ sub, reason }, context) =>
      accounts.erase(sub, reason, context),
    ),
    'users reset-password': command(Person, async ({ sub }, context) => accounts.resetPassword(sub, context)),
    'users end-sessions': command(Person.extend({ reason: Reason }), async ({ sub, reason }, context) =>
      accounts.revokeSessions(sub, reason, context),
    ),
  }
}

function clientCommands({ log, clients }: OperatorDependencies, fresh: () => Promise<ShownViews>): Commands {
  return {
    'clients list': command(Page, async (page) => ({ clients: asJson((await fresh()).clients.list(page)) })),
    'clients show': command(Client, async ({ client_id }) => found((await fresh()).clients.byId(client_id), 'client')),
    'clients create': command(
      z.object({ client_id: ClientId.optional(), metadata: ClientRegistration }),
      async (registration, context) => {
        const made = await clients.register(registration, context)
        return registered(made.clientId, registration.metadata, made)
      },
    ),
    'clients update': command(
      Client.extend({ metadata: Replacing }),
      async ({ client_id, metadata: told }, context) => {
        const metadata = replacing(clientUpdate((await readClient(log, client_id))?.state.metadata), told)
        return registered(client_id, metadata, await clients.change(client_id, { type: 'Update', metadata }, context))
      },
    ),
    'clients disable': command(Client.extend({ reason: Reason }), async ({ client_id, reason }, context) =>
      clients.change(client_id, { type: 'Disable', reason }, context),
    ),
    'clients enable': command(Client, async ({ client_id }, context) =>
      clients.change(client_id, { type: 'Enable' }, context),
    ),
    'clients add-secret': command(Client, async ({ client_id }, context) =>
      shownSecret(await clients.addSecret(client_id, context)),
    ),
    'clients revoke-secret': command(SecretOf, async ({ client_id, secret_id }, context) =>
      clients.change(client_id, { type: 'RevokeSecret', secret_id }, context),
    ),
  }
}

function resourceCommands({ log, resources }: OperatorDependencies, fresh: () => Promise<ShownViews>): Commands {
  return {
    'resources list': command(Page, async (page) => ({ resources: asJson((await fresh()).resources.list(page)) })),
    'resources show': command(Client, async ({ client_id }) =>
      found((await fresh()).resources.byId(client_id), 'resource server'),
    ),
    'resources create': command(
      z.object({ client_id: ClientId.optional(), metadata: ResourceRegistration }),
      async (registration, context) => {
        const made = await resources.register(registration, context)
        return registered(made.clientId, registration.metadata, made)
      },
    ),
    'resources update': command(
      Client.extend({ metadata: Replacing }),
      async ({ client_id, metadata: told }, context) => {
        const metadata = replacing(resourceUpdate((await readResource(log, client_id))?.state.metadata), told)
        return registered(client_id, metadata, await resources.update(client_id, metadata, context))
      },
    ),
    'resources disable': command(Client.extend({ reason: Reason }), async ({ client_id, reason }, context) =>
      resources.change(client_id, { type: 'Disable', reason }, context),
    ),
    'resources enable': command(Client, async ({ client_id }, context) =>
      resources.change(client_id, { type: 'Enable' }, context),
    ),
    'resources add-secret': command(Client, async ({ client_id }, context) =>
      shownSecret(await resources.addSecret(client_id, context)),
    ),
    'resources revoke-secret': command(SecretOf, async ({ client_id, secret_id }, context) =>
      resources.change(client_id, { type: 'RevokeSecret', secret_id }, context),
    ),
  }
}

function keyCommands({ signingKeys, feedKeys, derivationKeys }: OperatorDependencies): Commands {
  const rings = { signing: signingKeys, feed: feedKeys, derivation: derivationKeys }
  const shown = async (use: keyof typeof rings) =>
    (await rings[use].read()).keys.map(({ public_jwk: _, ...key }) => ({ use, ...key }) as JsonObject)
  return {
    'keys list': command(z.object({}), async () => ({
      keys: [...(await shown('signing')), ...(await shown('feed')), ...(await shown('derivation'))],
    })),
    'keys rotate': command(Use, async ({ use }, context) => rings[use].rotate(context)),
    'keys compromise': command(KeyOf, async ({ use, kid }, context) => rings[use].compromise(kid, context)),
  }
}

/** Everything an operator can do, by the words of the command line. */
export function operatorCommands(dependencies: OperatorDependencies): Commands {
  const { log, views, installation, rewrapVault, pendingErasures } = dependencies

  /** A list shows whatever was answered before it was asked for, by any replica. */
  async function fresh(): Promise<ShownViews> {
    await upToNow()
    return views
  }

  /** @returns where the log ended when it was asked. @throws {ViewsBehind} when the views do not come so far in time. */
  async function upToNow(): Promise<Position> {
    const head = await log.store.head()
    if (!(await views.waitFor(head, FRESH_WITHIN_MS))) throw new ViewsBehind()
    return head
  }

  return {
    ...userCommands(dependencies, fresh),
    ...clientCommands(dependencies, fresh),
    ...resourceCommands(dependencies, fresh),
    ...keyCommands(dependencies),
    'vault pending': command(z.object({}), async () => ({
      pending: (await pendingErasures()).map(({ name, nodes, behind, destroyed }) => ({
        name,
        nodes: [...nodes],
        behind: [...behind],
        destroyed: new Date(destroyed).toISOString(),
      })),
    })),
    'vault rewrap': command(z.object({}), async () => ({ rewrapped: await rewrapVault() })),
    'tokens end-all': command(z.object({ reason: Reason }), async ({ reason }, context) =>
      installation.endAllTokens(reason, context),
    ),
    events: command(EventsQuery, async (query) => {
      const { events, position } = await listEvents(log, views, { ...query, head: await upToNow() })
      return { events, position }
    }),
  }
}
