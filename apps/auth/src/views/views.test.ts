import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type EventStore, inMemoryEventStore, type Position, START } from '@ledgate/eventsourcing'
import { inMemorySealer } from '@ledgate/vault/testing'
import fc from 'fast-check'
import { describe, expect, it, onTestFinished } from 'vitest'
import { rounds } from '../../../../rounds.ts'
import { actorName } from '../audit/actor.ts'
import { subjectsOf } from '../audit/subjects-of.ts'
import { openLocalViews } from '../compose/views.ts'
import { type Actor } from '../log/index.ts'
import { decode, type DomainEvent, type DomainRecord } from '../catalogue/index.ts'
import { type Choice, type HistoryStep, generateHistory, toNewEvent } from '../testing/history.ts'
import { type AuditQuery } from '../audit/index.ts'
import { eventsOf } from '../audit/queries.ts'
import { projections } from './projections.ts'

const TIMEOUT_MS = 30_000

const choice = fc.record({
  what: fc.nat(799),
  user: fc.nat(6),
  client: fc.nat(3),
  which: fc.nat(999),
}) satisfies fc.Arbitrary<Choice>

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'ledgate-views-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

let appended = 0

async function append(store: EventStore, step: HistoryStep): Promise<Position> {
  const { position } = await store.append(step.stream, [toNewEvent(step, (appended += 1))], { expected: 'any' })
  return position
}

/** Views over a store in memory, whose clock the test may turn. */
async function world() {
  const clock = { now: 1_790_000_000_000 }
  const store = inMemoryEventStore({ clock: () => clock.now })
  const sealer = inMemorySealer()
  const folder = newFolder()
  const views = await openLocalViews({ viewsFile: join(folder, 'views.db'), store, sealer })
  onTestFinished(() => views.close())
  const system: Actor = { type: 'system', id: 'test' }
  const write = async (stream: string, event: DomainEvent) => {
    const position = await append(store, { stream, event, actor: system })
    expect(await views.waitFor(position, TIMEOUT_MS)).toBe(true)
    return position
  }
  return { clock, store, sealer, folder, views, write }
}

const HEX = '0123456789abcdef0123456789abcdef'
const sub = `u_${HEX}`
const PLANTED = 'planted.address@example.test'

async function person({ sealer, write }: Awaited<ReturnType<typeof world>>) {
  const data_key = await sealer.createDataKey()
  const user = {
    sub,
    epoch: 0,
    disabled: false,
    erased: false,
    email: await sealer.seal(data_key, 'email', PLANTED),
    email_verified: false,
    password: await sealer.seal(data_key, 'password', '$argon2id$planted'),
    password_set_at: 1_790_000_000,
    data_key,
    name: await sealer.seal(data_key, 'name', 'Planted Name'),
    roles: ['editor'],
    entitlements: [],
    registered_at: 1_790_000_000,
  }
  await write(`user-${sub}`, { type: 'UserRegistered', data: { reservation_id: HEX, user } })
  return user
}

describe('the people', () => {
  it('are listed once their address is confirmed, and are found by `sub` before', async () => {
    const here = await world()
    const { views, write } = here
    const user = await person(here)
    expect(await views.users.list()).toEqual([])
    expect(await views.users.bySub(sub)).toMatchObject({ email: PLANTED, email_verified: false })
    await write(`user-${sub}`, { type: 'EmailVerified', data: { user: { ...user, email_verified: true } } })
    const seen = { sub, email: PLANTED, name: 'Planted Name', roles: ['editor'], email_verified: true }
    expect(await views.users.list()).toMatchObject([seen])
    expect(await views.users.list({ after: sub })).toEqual([])
  })

  it('leave no address, name or password hash in the file, and read as erased when their key is gone', async () => {
    const here = await world()
    const { views, write, sealer, folder } = here
    const user = await person(here)
    await write(`user-${sub}`, { type: 'EmailVerified', data: { user: { ...user, email_verified: true } } })
    const bytes = readdirSync(folder).map((name) => readFileSync(join(folder, name)))
    const holds = (text: string) => bytes.some((file) => file.includes(text))
    expect(holds(sub)).toBe(true) // the control: this scan finds what is there
    for (const text of [PLANTED, 'Planted Name', '$argon2id$planted', user.password]) {
      for (const form of [
        text,
        Buffer.from(text).toString('hex'),
        Buffer.from(text).toString('base64url').slice(0, -2),
      ])
        expect(holds(form), form).toBe(false)
    }

    const { digest } = await views.projector.digest('users')
    await sealer.destroyDataKey(user.data_key)
    expect(await views.users.bySub(sub)).toMatchObject({ email: 'erased', name: 'erased' })
    await views.projector.rebuild('users')
    expect((await views.projector.digest('users')).digest).toBe(digest)
  })
})

describe('clients, resource servers, sessions and grants', () => {
  it('are what their newest events say', async () => {
    const { store, views } = await world()
    const made = generateHistory()
    const live = { sessions: new Map<string, string>(), grants: new Map<string, string>() }
    const newest = new Map<string, DomainEvent>()
    let last = START
    for (let n = 0; n < 4_000; n += 1) {
      const step = made.next({ what: (n * 7919) % 800, user: n % 5, client: n % 3, which: n % 13 })
      last = await append(store, step)
      const { event } = step
      newest.set(step.stream, event)
      if (event.type === 'SessionStarted') live.sessions.set(event.data.session.sid, event.data.session.sub)
      if (event.type === 'SessionRevoked') live.sessions.delete(event.data.session.sid)
      const grant = event.type === 'GrantOpened' && event.data.grant
      if (grant) live.grants.set(grant.gid, grant.sub)
      if (event.type === 'GrantRevoked') live.grants.delete(event.data.grant.gid)
    }
    expect(await views.waitFor(last, TIMEOUT_MS)).toBe(true)
    for (const [stream, event] of newest) {
      const { data } = event
      if ('client' in data) {
        const { secrets, ...client } = data.client
        const shown = views.clients.byId(client.client_id)
        expect(shown).toMatchObject(client)
        expect(JSON.stringify(shown)).not.toContain(secrets[0]?.sha256)
      }
      if ('resource' in data) expect(views.resources.byId(stream.slice(9))?.metadata).toEqual(data.resource.metadata)
    }
    expect(views.clients.list({ limit: 2 })).toHaveLength(2)
    expect(views.resources.list()).toHaveLength(3)

    const subs = new Set(live.sessions.values())
    const sids = [...subs].flatMap((owner) => all((after) => views.sessions.ofUser(owner, { after }), 'sid'))
    expect(sids.toSorted()).toEqual([...live.sessions.keys()].toSorted())
    const byUser = [...new Set(live.grants.values())]
    const gids = [...live.grants.keys()].toSorted()
    expect(byUser.flatMap((id) => all((after) => views.grants.ofUser(id, { after }), 'gid')).toSorted()).toEqual(gids)
  })

  it('leave when nothing of them can be alive, by the times of the log', async () => {
    const { clock, store, views } = await world()
    const made = generateHistory()
    const [startSession, openGrant] = [4, 5]
    const open = async (what: number) => {
      const step = made.next({ what, user: 1, client: 1, which: 0 })
      expect(await views.waitFor(await append(store, step), TIMEOUT_MS)).toBe(true)
      return step.actor.id
    }
    const owner = await open(startSession)
    for (let n = 0; n < 2; n += 1) await open(startSession)
    for (let n = 0; n < 3; n += 1) await open(openGrant)
    expect(views.sessions.ofUser(owner)).toHaveLength(3)
    expect(views.grants.ofUser(owner)).toHaveLength(3)
    clock.now += 40 * 86_400_000
    await open(startSession)
    await open(openGrant)
    expect(views.sessions.ofUser(owner)).toHaveLength(1)
    expect(views.grants.ofUser(owner)).toHaveLength(1)
  })
})

/** All pages of a list. */
function all<Row extends Record<Key, string>, Key extends string>(
  page: (after: string) => readonly Row[],
  key: Key,
): string[] {
  const keys: string[] = []
  for (let rows = page(''); rows.length > 0; rows = page(keys.at(-1) ?? '')) keys.push(...rows.map((row) => row[key]))
  return keys
}

describe('the audit index', () => {
  const query = fc.record(
    {
      actor: fc.constantFrom<Actor>(
        { type: 'client', id: 'client-1' },
        { type: 'operator', id: 'local' },
        { type: 'user', id: 'x' },
      ),
      subject: fc.constantFrom('client-0', 'client-1', 'api-2', 'u_of-nobody'),
      type: fc.constantFrom('TokenIssued', 'GrantOpened', 'ClientUpdated', 'NoSuchType'),
      since: fc.nat(60_000),
      until: fc.nat(60_000),
      limit: fc.integer({ min: 1, max: 9 }),
      order: fc.constantFrom('newest' as const, 'oldest' as const),
    },
    { requiredKeys: ['limit'] },
  )

  it('answers every question as reading the whole log would, page by page, with a clock that jumps', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(choice, { maxLength: 120 }),
        fc.array(query, { minLength: 5, maxLength: 12 }),
        async (choices, queries) => {
          const { clock, store, views } = await world()
          const made = generateHistory()
          const began = clock.now
          for (const each of choices) {
            clock.now = began + ((each.which * 61) % 60_000)
            await append(store, made.next(each))
          }
          expect(await views.waitFor(await store.head(), TIMEOUT_MS)).toBe(true)
          const log: DomainRecord[] = []
          for await (const recorded of store.readAll()) log.push(decode(recorded) as DomainRecord)
          for (const { since, until, ...rest } of [{ limit: 7 }, ...queries] as AuditQuery[]) {
            const asked = {
              ...rest,
              ...(since !== undefined && { since: began + since }),
              ...(until !== undefined && { until: began + until }),
            }
            const wanted = log.filter((event) => isAsked(asked, event)).map(({ position }) => position)
            if (asked.order !== 'oldest') wanted.reverse()
            const found: string[] = []
            for (let page = views.audit.query(asked); ; page = views.audit.query({ ...asked, after: page.next })) {
              expect(page.entries.length).toBeLessThanOrEqual(asked.limit ?? 0)
              found.push(...page.entries.map(({ position }) => position))
              if (page.next === undefined) break
            }
            expect(found).toEqual(wanted)
          }
          const { entries } = views.audit.query({ limit: 5 })
          expect((await eventsOf({ store, decode }, entries)).map(({ position }) => position)).toEqual(
            entries.map(({ position }) => position),
          )
        },
      ),
      { numRuns: rounds({ quick: 10, long: 150 }) },
    )
  })

  function isAsked({ actor, subject, type, since = 0, until = Infinity }: AuditQuery, event: DomainRecord): boolean {
    if (actor && actorName({ actor: event.envelope.actor }) !== `${actor.type}:${actor.id}`) return false
    if (subject !== undefined && !subjectsOf(event.stream, event).includes(subject)) return false
    return (type === undefined || event.type === type) && event.created >= since && event.created < until
  }

  it('has events of types that are unknown here', async () => {
    const { store, views } = await world()
    const event = {
      id: '6e1c9b0e-5d0f-5c2a-b1f7-a3d84e25c769',
      type: 'FromTheFuture',
      data: {},
      metadata: { schema: 1 },
    }
    const { position } = await store.append('user-x', [event], { expected: 'noStream' })
    expect(await views.waitFor(position, TIMEOUT_MS)).toBe(true)
    expect(views.audit.query({ type: 'FromTheFuture' }).entries).toMatchObject([{ position, actor: 'unknown:' }])
    expect(views.audit.query({ subject: 'user-x' }).entries).toMatchObject([{ position }])
  })
})

describe('every view', () => {
  it('has the same digest live as rebuilt from any history', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(choice, { maxLength: 200 }), async (choices) => {
        const { store, views } = await world()
        const made = generateHistory()
        for (const each of choices) await append(store, made.next(each))
        expect(await views.waitFor(await store.head(), TIMEOUT_MS)).toBe(true)
        for (const { name } of projections) {
          const live = await views.projector.digest(name)
          await views.projector.rebuild(name)
          expect(await views.projector.digest(name)).toEqual(live)
        }
      }),
      { numRuns: rounds({ quick: 5, long: 60 }) },
    )
  })

  it('goes on when another one meets an event it cannot read', async () => {
    const here = await world()
    const { store, views } = here
    const broken = {
      id: '6e1c9b0e-5d0f-5c2a-b1f7-a3d84e25c769',
      type: 'ClientUpdated',
      data: {},
      metadata: { schema: 1 },
    }
    const { position } = await store.append('client-x', [broken], { expected: 'noStream' })
    await person(here).catch(() => undefined) // it waits for every view, and one of them has stopped
    expect(await views.waitFor(await store.head(), TIMEOUT_MS, ['users', 'grants'])).toBe(true)
    expect(await views.users.bySub(sub)).toBeDefined()
    const states = Object.fromEntries(views.health().map(({ name, state }) => [name, state]))
    expect(states).toMatchObject({ clients: 'stopped', users: 'live', grants: 'live', sessions: 'live' })
    expect(views.health().find(({ name }) => name === 'clients')?.poison).toMatchObject({
      position,
      type: 'ClientUpdated',
    })
  })
})
