import type { JsonObject, Position } from '@ledgate/eventsourcing'
import { ClientMetadata, ResourceMetadata } from '@ledgate/oauth'
import { z } from 'zod'
import type { Clients } from '../client/index.ts'
import type { CommandContext, EventLog } from '../log/index.ts'
import type { Resources } from '../resource/index.ts'
import type { DerivationKeys, SigningKeys } from '../signing-key/index.ts'
import type { Views } from '../views/index.ts'
import { command, type OperatorCommand } from './command.ts'
import { EventsQuery, listEvents } from './events.ts'
import { Refused } from './refusal.ts'

export interface OperatorDependencies {
  readonly log: EventLog
  readonly views: Views
  readonly clients: Clients
  readonly resources: Resources
  readonly signingKeys: Pick<SigningKeys, 'keys' | 'rotate'>
  readonly derivationKeys: Pick<DerivationKeys, 'keys' | 'rotate'>
  readonly accounts: {
    create(
      person: { email: string; password: string; roles: readonly string[]; entitlements: readonly string[] },
      context: CommandContext,
    ): Promise<{ sub: string; position: string }>
    disable(who: string, reason: string, context: CommandContext): Promise<{ position: string }>
    enable(who: string, context: CommandContext): Promise<{ position: string }>
  }
}

/** Milliseconds a list waits for the views to hold what was written before it was asked for. */
const FRESH_WITHIN_MS = 5_000

const text = z.string().min(1)
const Reason = text.max(200).default('by an operator')
const Page = z.object({ after: z.string().optional(), limit: z.int().positive().optional() })

/** What is known of somebody, if anybody is. */
function found(view: object | undefined, what: string): JsonObject {
  if (view === undefined) throw new Refused(`there is no such ${what}`)
  return view as JsonObject
}

const asJson = (values: readonly object[]) => values as readonly JsonObject[]

/** Everything an operator can do, by the words of the command line. */
export function operatorCommands(dependencies: OperatorDependencies): Readonly<Record<string, OperatorCommand>> {
  const { log, views, clients, resources, signingKeys, derivationKeys, accounts } = dependencies

  /** A list shows whatever was answered before it was asked for. */
  async function fresh(): Promise<Views> {
    const head = (await log.store.head()) as Position
    if (!(await views.waitFor(head, FRESH_WITHIN_MS))) throw new Refused('the views are behind; try again')
    return views
  }

  const rings = { signing: signingKeys, derivation: derivationKeys }
  const shownKeys = (use: keyof typeof rings) =>
    rings[use].keys().map(({ public_jwk: _, ...key }) => ({ use, ...key }) as JsonObject)

  return {
    'users list': command(Page, async (page) => ({ users: asJson(await (await fresh()).users.list(page)) })),
    'users show': command(z.object({ sub: text }), async ({ sub }) =>
      found(await (await fresh()).users.bySub(sub), 'person'),
    ),
    'users create': command(
      z.object({
        email: text,
        password: text,
        roles: z.array(text).default([]),
        entitlements: z.array(text).default([]),
      }),
      async (person, context) => accounts.create(person, context),
    ),
    'users disable': command(z.object({ who: text, reason: Reason }), async ({ who, reason }, context) => ({
      ...(await accounts.disable(who, reason, context)),
    })),
    'users enable': command(z.object({ who: text }), async ({ who }, context) => ({
      ...(await accounts.enable(who, context)),
    })),

    'clients list': command(Page, async (page) => ({ clients: asJson((await fresh()).clients.list(page)) })),
    'clients show': command(z.object({ client_id: text }), async ({ client_id }) =>
      found((await fresh()).clients.byId(client_id), 'client'),
    ),
    'clients create': command(
      z.object({ client_id: text.optional(), metadata: ClientMetadata }),
      async (registration, context) => {
        const { clientId, clientSecret, position } = await clients.register(registration, context)
        return {
          client_id: clientId,
          ...(clientSecret !== undefined && { client_secret: clientSecret }),
          position,
        }
      },
    ),
    'clients disable': command(z.object({ client_id: text, reason: Reason }), async ({ client_id, reason }, context) =>
      clients.change(client_id, { type: 'Disable', reason }, context),
    ),
    'clients enable': command(z.object({ client_id: text }), async ({ client_id }, context) =>
      clients.change(client_id, { type: 'Enable' }, context),
    ),
    'clients add-secret': command(z.object({ client_id: text }), async ({ client_id }, context) => {
      const { secretId, clientSecret, position } = await clients.addSecret(client_id, context)
      return { secret_id: secretId, client_secret: clientSecret, position }
    }),
    'clients revoke-secret': command(
      z.object({ client_id: text, secret_id: text }),
      async ({ client_id, secret_id }, context) =>
        clients.change(client_id, { type: 'RevokeSecret', secret_id }, context),
    ),

    'resources list': command(Page, async (page) => ({ resources: asJson((await fresh()).resources.list(page)) })),
    'resources show': command(z.object({ client_id: text }), async ({ client_id }) =>
      found((await fresh()).resources.byId(client_id), 'resource server'),
    ),
    'resources create': command(
      z.object({ client_id: text.optional(), metadata: ResourceMetadata }),
      async (registration, context) => {
        const { clientId, clientSecret, position } = await resources.register(registration, context)
        return {
          client_id: clientId,
          ...(clientSecret !== undefined && { client_secret: clientSecret }),
          position,
        }
      },
    ),
    'resources disable': command(
      z.object({ client_id: text, reason: Reason }),
      async ({ client_id, reason }, context) => resources.change(client_id, { type: 'Disable', reason }, context),
    ),
    'resources enable': command(z.object({ client_id: text }), async ({ client_id }, context) =>
      resources.change(client_id, { type: 'Enable' }, context),
    ),

    'keys list': command(z.object({}), async () => ({ keys: [...shownKeys('signing'), ...shownKeys('derivation')] })),
    'keys rotate': command(z.object({ use: z.enum(['signing', 'derivation']) }), async ({ use }, context) =>
      rings[use].rotate(context),
    ),

    events: command(EventsQuery, async (query) => ({ events: await listEvents(log, await fresh(), query) })),
  }
}
