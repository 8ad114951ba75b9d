import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readFileSync } from 'node:fs'
import { inMemoryEventStore, type EventStore } from '@ledgate/eventsourcing'
import { NewResourceMetadata } from '@ledgate/oauth'
import { describe, expect, it } from 'vitest'
import { rounds } from '../../../../../rounds.ts'
import { UnknownAccount } from '../../user/index.ts'
import { readClient } from '../../client/index.ts'
import { readResource } from '../../resource/index.ts'
import { Crash, crashingStore, dyingProcess, slowStore } from '../../testing/faulty-store.ts'
import { ANN, openHousehold, SOURCE } from '../../testing/household.ts'
import { command, everythingIn, openParts } from '../../testing/parts.ts'
import { appliedBefore, applyBootstrap } from './apply.ts'
import { BootstrapError, parseBootstrap, readBootstrap } from './file.ts'
import { clientStream } from '../../client/events.ts'

const SYSTEM = { type: 'system', id: 'bootstrap' } as const

/** People as the accounts would make them: one for each address, however often it is asked for. */
function people() {
  const made = new Map<string, object>()
  return {
    made,
    wasMade: async ({ email }: { readonly email: string }) => made.has(email),
    createOnce: async (person: { readonly email: string }) => {
      if (!made.has(person.email)) made.set(person.email, person)
    },
  }
}

const apply = (file: unknown, store: EventStore, accounts = people()) =>
  applyBootstrap(parseBootstrap(JSON.stringify(file)), {
    ...openParts(store),
    accounts,
    context: () => command(SYSTEM),
  })

const orders = {
  resource: 'https://orders.example/',
  scopes_supported: ['orders:read'],
  client_id: 'orders',
  client_secret: 's1',
}
const app = { client_id: 'app', client_secret: 's2', grant_types: ['password'], scope: 'orders:read' }
const ann = { email: 'ann@example.com', password: 'correct horse', roles: ['reader'] }
const file = { resources: [orders], clients: [app], users: [ann] }

const countOf = async (store: EventStore, type: string) =>
  (await everythingIn(store)).split('\n').filter((line) => line.includes(`"type":"${type}"`)).length

async function problems(attempt: () => unknown): Promise<readonly string[]> {
  try {
    await attempt()
  } catch (error) {
    if (error instanceof BootstrapError) return error.problems
    throw error
  }
  return []
}

describe('the bootstrap file', () => {
  it('reports all problems at once, by path and without values', async () => {
    const wrong = {
      resources: [
        { resource: 'orders', client_secret: 'hidden-1' },
        { ...orders, access_token_encrypted_response_alg: 'RSA-OAEP' },
        { resource: 'https://x.example/', scopes_supported: ['openid'] },
      ],
      clients: [
        { ...app, client_id: 'u_0' },
        { ...app, grant_types: ['implicit'] },
        { client_id: 'x', nonsense: 1 },
      ],
      users: [
        { email: 'nobody', password: 'hidden-2' },
        { email: 'a@example.com', password: 'short' },
      ],
      else: [],
    }
    const found = await problems(() => parseBootstrap(JSON.stringify(wrong)))
    for (const place of [
      'resources[0].resource',
      'resources[1].access_token_encrypted_response_alg',
      'resources[2].scopes_supported[0]',
      'clients[0].client_id',
      'clients[1].grant_types[0]',
      'clients[2]: ',
      'users[0].email',
      'users[1].password',
      '"else"',
    ])
      expect(found.join('\n')).toContain(place)
    expect(found.join('\n')).not.toMatch(/hidden|short/)
  })

  it('names everything once', async () => {
    const twice = {
      resources: [orders, { ...orders, client_id: 'app' }],
      clients: [app, { ...app, client_id: 'orders' }],
      users: [ann, { ...ann, email: 'Ann@Example.com' }],
    }
    expect((await problems(() => parseBootstrap(JSON.stringify(twice)))).toSorted()).toEqual([
      'clients[0].client_id: is in this file twice',
      'clients[1].client_id: is in this file twice',
      'resources[1].resource: is in this file twice',
      'resources[1].scopes_supported[0]: is in this file twice',
      'users[1].email: is in this file twice',
    ])
  })

  it.each([
    ['a confidential client without a secret', { client_id: 'x' }],
    ['a public client with a secret', { client_id: 'x', client_secret: 'y', token_endpoint_auth_method: 'none' }],
    ['a client without an id', { client_secret: 'y' }],
  ])('refuses %s', async (_, client) => {
    expect(await problems(() => parseBootstrap(JSON.stringify({ clients: [client] })))).toHaveLength(1)
  })

  it('with a secret of fewer than 16 characters is refused in production, and warned of in development', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'ledgate-bootstrap-'))
    const write = async (secret: string) => {
      const path = join(folder, 'bootstrap.json')
      const file = { resources: [{ ...orders, client_secret: secret }], clients: [{ ...app, client_secret: secret }] }
      await writeFile(path, JSON.stringify(file))
      return path
    }
    const places = ['resources[0].client_secret', 'clients[0].client_secret'].map(
      (path) => `${path} has fewer than 16 characters`,
    )
    const read = async (secret: string, production: boolean) => {
      const warnings: string[] = []
      const path = await write(secret)
      const refused = await problems(() =>
        readBootstrap(path, { production, warn: (each) => void warnings.push(each), wasApplied: async () => false }),
      )
      return { warnings, refused }
    }
    for (const secret of ['x', 'fifteen letters'])
      expect(await read(secret, true)).toEqual({ warnings: [], refused: places })
    expect(await read('fifteen letters', false)).toEqual({ warnings: places, refused: [] })
    expect(await read('sixteen letters!', true)).toEqual({ warnings: [], refused: [] })
    await rm(folder, { recursive: true })
  })

  it('that is no JSON is not quoted', async () => {
    const [problem] = await problems(() => parseBootstrap('{"clients":[{"client_secret": hidden}]}'))
    expect(problem).toMatch(/^the file is not valid JSON/)
    expect(problem).not.toContain('hidden')
  })

  it('that is not there is named as such', async () => {
    const reading = { production: true, warn: () => {}, wasApplied: async () => false }
    expect(await problems(() => readBootstrap('/nowhere/ledgate.json', reading))).toEqual([
      'the file cannot be read (ENOENT)',
    ])
  })

  it('of the demo is a good one', () => {
    const demo = new URL('../../../../../tools/bootstrap/demo.json', import.meta.url)
    expect(parseBootstrap(readFileSync(demo, 'utf8')).clients).toHaveLength(2)
  })
})

describe('applying the bootstrap file', () => {
  it('makes what is in it, and keeps secrets as hashes only', async () => {
    const store = inMemoryEventStore()
    const accounts = people()
    await apply({ ...file, clients: [{ ...app, client_secret: 'a-secret-of-the-file' }] }, store, accounts)
    const { log } = openParts(store)
    expect((await readResource(log, 'orders'))?.state.metadata.scopes_supported).toEqual(['orders:read'])
    expect((await readClient(log, 'app'))?.state.metadata.scope).toBe('orders:read')
    expect([...accounts.made.keys()]).toEqual([ann.email])
    expect(await everythingIn(store)).not.toContain('a-secret-of-the-file')
  })

  it('again changes nothing, also when the file or the client has changed since', async () => {
    const store = inMemoryEventStore()
    await apply(file, store)
    await openParts(store).clients.change('app', { type: 'Disable', reason: 'test' }, command())
    const head = await store.head()
    await apply(file, store)
    await apply({ ...file, clients: [{ ...app, client_secret: 'new', scope: 'other' }] }, store)
    await apply({ resources: [{ ...orders, client_id: undefined }] }, store)
    expect(await store.head()).toBe(head)
  })

  it('makes what is new in a file that has grown', async () => {
    const store = inMemoryEventStore()
    const accounts = people()
    await apply(file, store, accounts)
    const bills = { resource: 'https://bills.example/', scopes_supported: ['bills:read'] }
    const bob = { ...ann, email: 'bob@example.com' }
    await apply(
      { resources: [orders, bills], clients: [app, { ...app, client_id: 'more' }], users: [ann, bob] },
      store,
      accounts,
    )
    expect(await readClient(openParts(store).log, 'more')).toBeDefined()
    expect(await openParts(store).names.owner('scope', 'bills:read')).toMatch(/^resource r_/)
    expect(accounts.made.size).toBe(2)
    expect(await countOf(store, 'ClientRegistered')).toBe(2)
  })

  it('applies what it can, and reports everything it could not apply', async () => {
    const store = inMemoryEventStore()
    await apply(file, store)
    const clash = {
      resources: [{ ...orders, client_id: 'other', resource: 'https://other.example/' }],
      clients: [
        { ...app, client_id: 'orders' },
        { ...app, client_id: 'fine' },
      ],
    }
    expect(await problems(() => apply(clash, store))).toEqual([
      'clients[0]: the client_id orders belongs to the resource orders',
      'resources[0]: the scope orders:read belongs to the resource orders',
    ])
    expect(await readClient(openParts(store).log, 'fine')).toBeDefined()
  })

  it('by eight processes at once ends with one of each', async () => {
    for (let round = 0; round < 8; round += 1) {
      const store = inMemoryEventStore()
      const accounts = people()
      await Promise.all(Array.from({ length: 8 }, () => apply(file, slowStore(store), accounts)))
      expect(await countOf(store, 'ClientRegistered')).toBe(1)
      expect(await countOf(store, 'ResourceRegistered')).toBe(1)
      expect(accounts.made.size).toBe(1)
    }
  })

  it.each(['before', 'after'] as const)(
    'is completed by the next start when the process dies %s any append',
    async (when) => {
      for (let at = 0; ; at += 1) {
        const store = inMemoryEventStore()
        const accounts = people()
        const died = await apply(file, crashingStore(store, at, when), accounts).catch((error: unknown) => error)
        if (!(died instanceof Crash)) break
        expect(at).toBeLessThan(20)
        await apply(file, store, accounts)
        const { log, names } = openParts(store)
        expect(await readClient(log, 'app')).toBeDefined()
        expect(await readResource(log, 'orders')).toBeDefined()
        expect(await names.owner('scope', 'orders:read')).toBe('resource orders')
        expect(accounts.made.size).toBe(1)
        expect(await countOf(store, 'ClientRegistered')).toBe(1)
      }
    },
  )
})

/** What the file makes of people, over the real accounts of a process. */
const applyAt = (home: Awaited<ReturnType<typeof openHousehold>>, entries: object) =>
  applyBootstrap(parseBootstrap(JSON.stringify(entries)), { ...home, context: () => command(SYSTEM) })

describe('an entry that was applied once', () => {
  const people = { users: [{ ...ANN, roles: ['boss'] }] }
  const signsIn = (home: Awaited<ReturnType<typeof openHousehold>>, email: string) =>
    home.signedIn('web', { ...ANN, email }).then(
      () => true,
      () => false,
    )

  /** The person of the file went to another address. */
  async function move(home: Awaited<ReturnType<typeof openHousehold>>) {
    await home.changeEmail.ask(await home.signIn.signIn({ ...as(ANN.email) }), 'new@example.com', command())
    const link = (await home.mails()).find(({ to }) => to === 'new@example.com')
    await home.changeEmail.redeem(String(link?.token), command())
  }
  const as = (username: string) => ({ username, password: ANN.password, source: SOURCE, context: command() })
  const erase = async (home: Awaited<ReturnType<typeof openHousehold>>) => {
    await home.accounts.erase(ANN.email, 'test', command())
  }
  const headAfter = async (home: Awaited<ReturnType<typeof openHousehold>>, entries: object) => {
    const before = await home.store.head()
    await applyAt(home, entries)
    return (await home.store.head()) === before
  }

  it.each([
    ['moved to another address', move],
    ['was erased', erase],
  ])('does not make its person again who %s, whatever else the entry says by now', async (_, leave) => {
    const home = await openHousehold()
    await applyAt(home, people)
    await leave(home)
    await home.finish()
    expect(await headAfter(home, people)).toBe(true)
    expect(await headAfter(home, { users: [{ email: 'ANN@example.com', password: 'another first password' }] })).toBe(
      true,
    )
    expect(await signsIn(home, ANN.email)).toBe(false)
  })

  it.each([
    ['moved to another address', move],
    ['was erased', erase],
  ])('is known by what an older version wrote: a person who %s before the update stays so', async (_, leave) => {
    const home = await openHousehold()
    await home.accounts.create({ ...ANN, roles: ['boss'] }, command(SYSTEM)) // as it was made before entries were recorded
    await leave(home)
    await home.finish()
    await applyAt(home, people)
    expect(await signsIn(home, ANN.email)).toBe(false)
  })

  it('is one that found an existing user, and creates no second one after their erasure', async () => {
    const home = await openHousehold()
    await home.create()
    await applyAt(home, people)
    await erase(home)
    await home.finish()
    expect(await headAfter(home, people)).toBe(true)
  })

  it('creates its user at an address that another user had before', async () => {
    const home = await openHousehold()
    await home.create()
    await erase(home)
    await applyAt(home, people)
    expect(await signsIn(home, ANN.email)).toBe(true)
  })

  it.each(['before', 'after'] as const)(
    'is so also when the process dies %s any append and the person is erased before the next start',
    async (when) => {
      for (let at = 0; ; at += 1) {
        const home = await openHousehold()
        const mortal = dyingProcess(home.store, home.vault, { at, when })
        const dying = await openHousehold({ store: mortal.store, shared: { clock: home.clock, vault: mortal.vault } })
        const died = await applyAt(dying, people).catch((error: unknown) => error)
        await home.finish()
        const was = await signsIn(home, ANN.email)
        if (was) await erase(home)
        await home.finish()
        await applyAt(home, people)
        expect(await signsIn(home, ANN.email), `append ${at}`).toBe(!was)
        if (!(died instanceof Crash)) break
        expect(at).toBeLessThan(20)
      }
    },
  )

  it('is applied once by processes that start at the same time, also while its person is erased', async () => {
    for (let round = 0; round < rounds({ quick: 5, long: 50, soak: 200 }); round += 1) {
      const home = await openHousehold()
      const others = await Promise.all(
        Array.from({ length: 3 }, () =>
          openHousehold({ store: slowStore(home.store), shared: { clock: home.clock, vault: home.vault } }),
        ),
      )
      const starting = others.map((each) => applyAt(each, people))
      await expect.poll(() => home.accounts.findSub(ANN.email)).toBeDefined()
      await erase(home).catch((error: unknown) => expect(error).toBeInstanceOf(UnknownAccount)) // not registered yet
      await Promise.all(starting)
      await home.finish()
      if (await home.accounts.findSub(ANN.email)) await erase(home)
      await home.finish()
      await applyAt(home, people)
      expect(await home.accounts.findSub(ANN.email)).toBeUndefined()
    }
  })

  it('keeps a resource server that was renamed and a client that was disabled as they are', async () => {
    const store = inMemoryEventStore()
    const unnamed = { resource: 'https://bills.example/', scopes_supported: ['bills:read'] }
    const both = { resources: [orders, unnamed], clients: [app] }
    await apply(both, store)
    const { resources, names, log, clients } = openParts(store)
    const owner = String((await names.owner('resource', unnamed.resource))?.replace(/^resource /, ''))
    for (const [id, metadata] of [
      [owner, { ...unnamed, resource: 'https://invoices.example/' }],
      ['orders', { resource: 'https://shop.example/', scopes_supported: ['orders:read'] }],
    ] as const)
      await resources.update(id, NewResourceMetadata.parse(metadata), command())
    await clients.change('app', { type: 'Disable', reason: 'test' }, command())
    const head = await store.head()
    await apply(both, store)
    await apply({ resources: [{ ...orders, client_id: undefined }, unnamed], clients: [app] }, store)
    expect(await store.head()).toBe(head)
    expect((await readResource(log, owner))?.state.metadata.resource).toBe('https://invoices.example/')
  })

  it('of an older version is known, though its resource server was renamed', async () => {
    const store = inMemoryEventStore()
    const unnamed = { resource: 'https://bills.example/', scopes_supported: ['bills:read'] }
    const { resources, log } = openParts(store)
    const { clientId } = await resources.register({ metadata: NewResourceMetadata.parse(unnamed) }, command(SYSTEM))
    const renamed = NewResourceMetadata.parse({ ...unnamed, resource: 'https://invoices.example/' })
    await resources.update(clientId, renamed, command())
    await apply({ resources: [unnamed] }, store)
    expect((await readResource(log, clientId))?.state.metadata.resource).toBe('https://invoices.example/')
  })

  it('writes no address to the log', async () => {
    const home = await openHousehold()
    await applyAt(home, people)
    await erase(home)
    await home.finish()
    const everything = await everythingIn(home.store)
    expect(everything).toContain('BootstrapEntryApplied')
    expect(everything.toLowerCase()).not.toContain('ann@example.com')
  })
})

describe('an entry that can no longer be applied', () => {
  /** What is refused today and was taken by older versions; each under the name of one that is good. */
  const refused = (names: { client: string; resource: string; email: string }) => ({
    resources: [{ ...orders, client_id: names.resource, scopes_supported: ['s'.repeat(300)] }],
    clients: [{ ...app, client_id: names.client, redirect_uris: [`https://a.example/${'r'.repeat(3_000)}`] }],
    users: [{ ...ANN, email: names.email, password: 'p'.repeat(257) }],
  })
  const NAMES = { client: 'app', resource: 'orders', email: ANN.email }

  /** A start with a file: what it says, and where the log ended. */
  async function start(home: Awaited<ReturnType<typeof openHousehold>>, entries: object) {
    const folder = await mkdtemp(join(tmpdir(), 'ledgate-bootstrap-'))
    const path = join(folder, 'bootstrap.json')
    await writeFile(path, JSON.stringify(entries))
    const dependencies = { ...home, context: () => command(SYSTEM) }
    const warnings: string[] = []
    const reading = {
      production: false,
      warn: (each: string) => void warnings.push(each),
      wasApplied: appliedBefore(dependencies),
    }
    const found = await problems(async () => applyBootstrap(await readBootstrap(path, reading), dependencies))
    await rm(folder, { recursive: true })
    return {
      warnings: warnings.filter((each) => !each.includes('fewer than 16')),
      found,
      head: await home.store.head(),
    }
  }

  it('does not stop the start where it was applied, which is said; a new one does, before anything is written', async () => {
    const home = await openHousehold()
    const bad = refused(NAMES)
    const before = await home.store.head()
    const first = await start(home, { ...bad, clients: [...bad.clients, { ...app, client_id: 'good' }] })
    expect(first.found).toHaveLength(3)
    expect(first.head).toBe(before)

    await start(home, { resources: [orders], clients: [app], users: [{ ...ANN }] })
    const applied = await home.store.head()
    const again = await start(home, { ...bad, clients: [...bad.clients, { ...app, client_id: 'good' }] })
    expect(again.found).toEqual([])
    expect(again.warnings).toHaveLength(3)
    expect(again.warnings.join('\n')).toMatch(/^resources\[0\]\.scopes_supported: .*applied once/m)
    expect(again.warnings.join('\n')).not.toMatch(/rrr|ppp|sss/)
    expect(again.head).not.toBe(applied) // the good one was made, beside
    expect(await readClient(home.log, 'good')).toBeDefined()

    const other = await start(home, refused({ client: 'other', resource: 'other', email: 'other@example.com' }))
    expect(other.found).toHaveLength(3)
    expect(other.head).toBe(again.head)
  })

  it('is known by what an older version wrote, which recorded no entries', async () => {
    const home = await openHousehold()
    const metadata = { redirect_uris: [], token_endpoint_auth_method: 'none', grant_types: [], response_types: [] }
    const client = { client_id: '..', client_id_issued_at: 1, epoch: 0, disabled: false, secrets: [] }
    const made = { type: 'ClientRegistered', data: { client: { ...client, metadata: { ...metadata, scope: '' } } } }
    await home.log.append(clientStream.of('..'), [made as never], { expected: 'noStream', context: command(SYSTEM) })
    await home.accounts.create({ ...ANN }, command(SYSTEM))
    await home.accounts.erase(ANN.email, 'test', command())
    await home.finish()
    const entries = { clients: [{ ...app, client_id: '..' }], users: [{ ...ANN, password: 'p'.repeat(257) }] }
    const { found, warnings } = await start(home, entries)
    expect(found).toEqual([])
    expect(warnings).toHaveLength(2)
  })

  it('is a person by the same rules as those of administration: an address and a password are what they are there', async () => {
    const users = (user: object) => problems(() => parseBootstrap(JSON.stringify({ users: [{ ...ANN, ...user }] })))
    for (const email of ['ann@bücher.example', `${'l'.repeat(64)}@example.com`, '  Ann@Example.com '])
      expect(await users({ email }), email).toEqual([])
    for (const email of [`${'l'.repeat(65)}@example.com`, `ann@${'d'.repeat(300)}.example`, 'änn@example.com'])
      expect(await users({ email }), email).toHaveLength(1)
    for (const password of ['é'.repeat(256), '\u{1F600}'.repeat(256)]) expect(await users({ password })).toEqual([])
    for (const password of ['é'.repeat(257), '\u{1F600}'.repeat(7), '\ud800'.repeat(9)])
      expect(await users({ password })).toHaveLength(1)
    expect(await users({ roles: ['r'.repeat(4_000)] })).toHaveLength(1)
  })
})
