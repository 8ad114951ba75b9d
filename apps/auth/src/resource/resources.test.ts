import { generateKeyPairSync } from 'node:crypto'
import { type EventStore, inMemoryEventStore } from '@ledgate/eventsourcing'
import { InvalidTarget, InvalidToken, NewClientMetadata, NewResourceMetadata } from '@ledgate/oauth'
import { describe, expect, it } from 'vitest'
import type { CommandContext } from '../log/index.ts'
import { Crash, crashingStore, slowStore } from '../testing/faulty-store.ts'
import { command, openParts } from '../testing/parts.ts'
import { openAudiences } from './audiences.ts'
import { NameTaken } from '../name/index.ts'
import { readResource } from './resources.ts'
import { ResourceRefused } from './resource.decider.ts'
import { resourceStream } from './events.ts'

type Made = ReturnType<typeof openParts>

const ISSUER = 'https://id.example'

const server = (resource: string, ...scopes_supported: string[]) =>
  NewResourceMetadata.parse({ resource: `https://${resource}.example/`, scopes_supported })

const client = NewClientMetadata.parse({})

/** Which of the names that a resource server says it has are not its own. */
async function half(made: ReturnType<typeof openParts>, clientId: string): Promise<string[]> {
  const found = await readResource(made.log, clientId)
  if (found === undefined) return []
  const { resource, scopes_supported: scopes } = found.state.metadata
  const wanted = [['resource', resource] as const, ...scopes.map((scope) => ['scope', scope] as const)]
  const owners = await Promise.all(wanted.map(([kind, name]) => made.names.owner(kind, name)))
  return wanted.filter((_, index) => owners[index] !== `resource ${clientId}`).map(([, name]) => name)
}

describe('registering a resource server', () => {
  it('shows a secret once, which is kept as a hash only', async () => {
    const { resources, log } = openParts()
    const { clientId, clientSecret } = await resources.register({ metadata: server('a', 'a:read') }, command())
    expect(clientSecret).toMatch(/^[\w-]{43}$/)
    expect(JSON.stringify((await readResource(log, clientId))?.state)).not.toContain(clientSecret)
  })

  it('is refused whole when one scope is another’s, and names it', async () => {
    const { resources, names, log } = openParts()
    await resources.register({ client_id: 'first', metadata: server('a', 'shared') }, command())
    const second = resources.register({ client_id: 'second', metadata: server('b', 'b:1', 'shared', 'z') }, command())
    await expect(second).rejects.toThrow('the scope shared belongs to the resource first')
    expect(await readResource(log, 'second')).toBeUndefined()
    for (const name of ['b:1', 'z']) expect(await names.owner('scope', name)).toBeUndefined()
    expect(await names.owner('resource', 'https://b.example/')).toBeUndefined()
    await resources.register({ client_id: 'second', metadata: server('b', 'b:1', 'z') }, command())
  })

  it('is refused for an identifier, a client_id and a registration that are there', async () => {
    const { resources, clients } = openParts()
    await resources.register({ client_id: 'api', metadata: server('a') }, command())
    await clients.register({ client_id: 'app', metadata: client }, command())
    const register = (client_id: string, resource: string) =>
      resources.register({ client_id, metadata: server(resource) }, command())
    await expect(register('other', 'a')).rejects.toBeInstanceOf(NameTaken)
    await expect(register('app', 'b')).rejects.toBeInstanceOf(NameTaken)
    await expect(register('api', 'b')).rejects.toBeInstanceOf(ResourceRefused)
    await expect(clients.register({ client_id: 'api', metadata: client }, command())).rejects.toBeInstanceOf(NameTaken)
  })

  it('is refused for another spelling of an identifier that is there', async () => {
    const spelled = (resource: string) => NewResourceMetadata.parse({ resource })
    for (const [one, other] of [
      ['https://a.example', 'https://a.example/'],
      ['https://a.example/', 'https://a.example'],
      ['https://a.example:443', 'https://A.example'],
      ['api://a', 'api://a/'],
    ] as const) {
      const { resources, names } = openParts()
      await resources.register({ client_id: 'one', metadata: spelled(one) }, command())
      const taken = resources.register({ client_id: 'other', metadata: spelled(other) }, command())
      await expect(taken).rejects.toBeInstanceOf(NameTaken)
      // and also when a release before reserved the one spelling alone
      const old = openParts()
      await old.names.reserve([{ kind: 'resource', name: one }], 'resource one', command())
      if (one !== 'https://a.example:443')
        await expect(
          old.resources.register({ client_id: 'other', metadata: spelled(other) }, command()),
        ).rejects.toBeInstanceOf(NameTaken)
      await resources.update('one', spelled('https://b.example'), command())
      for (const name of [one, other]) expect(await names.owner('resource', name)).toBeUndefined()
      await resources.register({ client_id: 'other', metadata: spelled(other) }, command())
    }
  })

  it('that an earlier release created keeps its identifier when it is spelled differently', async () => {
    const { resources, names, log } = openParts()
    const metadata = NewResourceMetadata.parse({ resource: 'https://a.example' })
    await names.reserve([{ kind: 'resource', name: 'https://a.example' }], 'resource old', command())
    const state = { client_id: 'old', registered_at: 1, disabled: false, metadata, secrets: [] }
    const registered = { type: 'ResourceRegistered', data: { resource: state } } as const
    await log.append(resourceStream.of('old'), [registered], { expected: 'noStream', context: command() })
    const { granted } = openAudiences(log, names, ISSUER)
    for (const asked of ['https://a.example', 'https://a.example/'])
      expect((await granted([asked])).aud).toEqual(['https://a.example'])
    await resources.update('old', server('a'), command())
    expect(await names.owner('resource', 'https://a.example/')).toBe('resource old')
    expect((await granted(['https://a.example'])).aud).toEqual(['https://a.example/'])
  })

  it.each(['http://127.0.0.1:4040', 'http://127.0.0.1:4040/', 'HTTP://127.0.0.1:4040'])(
    'is refused for the identifier of the issuer: %s',
    async (resource) => {
      const { resources } = openParts()
      const metadata = NewResourceMetadata.parse({ resource })
      await expect(resources.register({ metadata }, command())).rejects.toBeInstanceOf(ResourceRefused)
      await resources.register({ client_id: 'a', metadata: server('a') }, command())
      await expect(resources.update('a', metadata, command())).rejects.toBeInstanceOf(ResourceRefused)
    },
  )

  it.each(['u_0123', 'a b', ''])('is refused for the id %j', async (client_id) => {
    const { resources, clients } = openParts()
    await expect(resources.register({ client_id, metadata: server('a') }, command())).rejects.toThrow()
    await expect(clients.register({ client_id, metadata: client }, command())).rejects.toThrow()
  })

  it('leaves one of 64 who want the same scope at the same time, and nothing of the others', async () => {
    for (let round = 0; round < 8; round += 1) {
      const store = inMemoryEventStore()
      const made = openParts(store)
      const racers = Array.from({ length: 64 }, (_, index) => `racer-${index}`)
      const results = await Promise.allSettled(
        racers.map((client_id, index) =>
          openParts(slowStore(store)).resources.register(
            { client_id, metadata: server(client_id, 'wanted', `own-${index}`, `shared-${index % 4}`) },
            command(),
          ),
        ),
      )
      const winners = racers.filter((_, index) => results[index]?.status === 'fulfilled')
      expect(winners).toHaveLength(1)
      expect(await made.names.owner('scope', 'wanted')).toBe(`resource ${winners[0]}`)
      for (const [index, racer] of racers.entries()) {
        expect(await half(made, racer)).toEqual([])
        if (racer === winners[0]) continue
        expect(await readResource(made.log, racer)).toBeUndefined()
        expect(await made.names.owner('scope', `own-${index}`)).toBeUndefined()
        const { reason } = results[index] as PromiseRejectedResult
        expect(reason).toBeInstanceOf(NameTaken)
      }
    }
  })

  it('of one and the same by 64 at once is done by one, and the others hear that it is there', async () => {
    const store = inMemoryEventStore()
    const metadata = server('a', 'a:1', 'a:2')
    const results = await Promise.allSettled(
      Array.from({ length: 64 }, () =>
        openParts(slowStore(store)).resources.register({ client_id: 'api', metadata }, command()),
      ),
    )
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    for (const each of results) if (each.status === 'rejected') expect(each.reason).toBeInstanceOf(ResourceRefused)
    expect(await half(openParts(store), 'api')).toEqual([])
  })

  it.each(['before', 'after'] as const)(
    'is completed by a repetition, if the process dies %s any append',
    async (when) => {
      const metadata = server('a', 'a:1', 'a:2', 'a:3')
      let crashes = 0
      for (let at = 0; ; at += 1) {
        const store = inMemoryEventStore()
        const died = await openParts(crashingStore(store, at, when))
          .resources.register({ metadata }, command())
          .catch((error: unknown) => error)
        const made = openParts(store)
        if (!(died instanceof Crash)) break
        crashes += 1
        await made.resources.register({ metadata }, command()).catch((error: unknown) => {
          if (!(error instanceof ResourceRefused)) throw error // it was written before the crash
        })
        const owner = await made.names.owner('resource', 'https://a.example/')
        const clientId = owner?.slice('resource '.length) ?? ''
        expect((await readResource(made.log, clientId))?.state.metadata).toEqual(metadata)
        expect(await half(made, clientId)).toEqual([])
      }
      expect(crashes).toBe(6) // a client_id, a resource, three scopes, the registration
    },
  )
})

describe('registering a client', () => {
  it('of one id by 64 at once leaves one, and the others hear of it', async () => {
    const store = inMemoryEventStore()
    const results = await Promise.allSettled(
      Array.from({ length: 64 }, () =>
        openParts(slowStore(store)).clients.register({ client_id: 'app', metadata: client }, command()),
      ),
    )
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    for (const each of results)
      if (each.status === 'rejected') expect(String(each.reason)).toContain('the client app exists already')
  })

  it('of one id as client and as resource server leaves one of them', async () => {
    for (let round = 0; round < 16; round += 1) {
      const store = inMemoryEventStore()
      const results = await Promise.allSettled([
        openParts(slowStore(store)).clients.register({ client_id: 'x', metadata: client }, command()),
        openParts(slowStore(store)).resources.register({ client_id: 'x', metadata: server('x') }, command()),
      ])
      expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    }
  })

  it('is completed by a repetition after a crash', async () => {
    for (const when of ['before', 'after'] as const) {
      const store = inMemoryEventStore()
      const dead = openParts(crashingStore(store, 0, when)).clients
      await expect(dead.register({ client_id: 'app', metadata: client }, command())).rejects.toBeInstanceOf(Crash)
      await openParts(store).clients.register({ client_id: 'app', metadata: client }, command())
    }
  })

  it('refuses a secret for a client that has no use for one', async () => {
    const metadata = NewClientMetadata.parse({ token_endpoint_auth_method: 'none' })
    const refused = openParts().clients.register({ client_id: 'app', client_secret: 'x', metadata }, command())
    await expect(refused).rejects.toThrow('no secret')
  })
})

describe('the audience of a token', () => {
  async function world() {
    const made = openParts()
    await made.resources.register(
      { client_id: 'orders', metadata: server('orders', 'orders:read', 'orders:write') },
      command(),
    )
    await made.resources.register({ client_id: 'bills', metadata: server('bills', 'bills:read') }, command())
    const { resolve, granted } = openAudiences(made.log, made.names, ISSUER)
    return {
      ...made,
      granted,
      resolve: async (scope: string[], resource: string[] = []) => (await resolve({ scope, resource })).aud,
    }
  }
  const [orders, bills] = ['https://orders.example/', 'https://bills.example/']

  it('follows a scope to its new owner at once, and to none when it was released', async () => {
    const { resolve, resources } = await world()
    expect(await resolve(['bills:read'])).toEqual([bills])
    await resources.update('bills', server('bills', 'bills:write'), command())
    expect(await resolve(['bills:read'])).toEqual([ISSUER])
    await resources.update('orders', server('orders', 'orders:read', 'orders:write', 'bills:read'), command())
    expect(await resolve(['bills:read'])).toEqual([orders])
    expect(await resolve(['bills:write'])).toEqual([bills])
  })

  it('is the one resource that owns the scopes, whatever OpenID scopes are beside them', async () => {
    const { resolve } = await world()
    expect(await resolve(['openid', 'orders:read', 'orders:write', 'offline_access'])).toEqual([orders])
  })

  it('is the issuer when none or more than one owns them', async () => {
    const { resolve } = await world()
    for (const scope of [[], ['openid'], ['unknown'], ['orders:read', 'bills:read']])
      expect(await resolve(scope)).toEqual([ISSUER])
  })

  it('is what was asked for, each once', async () => {
    const { resolve } = await world()
    expect(await resolve(['orders:read'], [orders, orders])).toEqual([orders])
    expect(await resolve(['orders:read', 'bills:read'], [bills, orders])).toEqual([bills, orders])
    expect(await resolve(['openid'], [ISSUER])).toEqual([ISSUER])
    expect(await resolve([], [bills])).toEqual([bills])
  })

  it.each([
    ['unknown', ['orders:read'], ['https://nobody.example/']],
    ['no identifier', [], ['orders']],
    ['not the one of a scope', ['orders:read'], ['https://bills.example/']],
    ['another path', ['orders:read'], ['https://orders.example/v1']],
    ['the same path in other letters', ['orders:read'], ['https://orders.example/V1']],
    ['another scheme', ['orders:read'], ['http://orders.example/']],
    ['another port', ['orders:read'], ['https://orders.example:8443/']],
    ['a scope', [], ['orders:read']],
  ])('is never one that is %s', async (_, scope, resource) => {
    const { resolve } = await world()
    await expect(resolve(scope, resource)).rejects.toBeInstanceOf(InvalidTarget)
  })

  it('is never a disabled resource server', async () => {
    const { resolve, resources } = await world()
    await resources.change('orders', { type: 'Disable', reason: 'test' }, command())
    await expect(resolve([], [orders])).rejects.toBeInstanceOf(InvalidTarget)
    expect(await resolve(['orders:read'])).toEqual([ISSUER])
  })

  it.each(['https://orders.example', 'https://ORDERS.example/', 'HTTPS://orders.example:443'])(
    'for %s, which names the same resource (RFC 3986 §6.2), is the spelling that was registered',
    async (asked) => {
      const { resolve, granted } = await world()
      expect(await resolve(['orders:read'], [asked])).toEqual([orders])
      expect(await resolve(['orders:read'], [asked, orders])).toEqual([orders])
      expect((await granted([asked])).aud).toEqual([orders])
    },
  )

  it('of the issuer is the issuer, in its own spelling', async () => {
    const { resolve } = await world()
    expect(await resolve([], [`${ISSUER}/`])).toEqual([ISSUER])
  })

  it('of a grant is rejected when its resource no longer exists: it never becomes a token for another one', async () => {
    const { granted, resources } = await world()
    await resources.update('bills', server('invoices', 'bills:read'), command())
    await resources.change('orders', { type: 'Disable', reason: 'test' }, command())
    for (const aud of [[orders], [bills], [ISSUER, orders], ['https://nobody.example/']])
      await expect(granted(aud)).rejects.toBeInstanceOf(InvalidTarget)
    expect(await granted([ISSUER])).toEqual({ aud: [ISSUER], encryption: undefined })
  })

  describe('that wants its tokens encrypted', () => {
    const { x, y } = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' })
    const jwk = { kty: 'EC' as const, crv: 'P-256', use: 'enc', x, y }
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ format: 'jwk' })
    const hidesNothing = { kty: 'RSA' as const, n: rsa.n, e: 'AQ' }
    const sealed = { ...server('vault', 'vault:read'), access_token_encrypted_response_alg: 'ECDH-ES' as const }

    it('is never one that all may read', async () => {
      const { resolve, granted, resources } = await world()
      await resources.register({ client_id: 'vault', metadata: { ...sealed, jwks: { keys: [jwk] } } }, command())
      expect((await granted(['https://vault.example'])).encryption).toMatchObject({ alg: 'ECDH-ES', jwk })
      await resources.change('vault', { type: 'Disable', reason: 'test' }, command())
      await expect(resolve(['vault:read'])).rejects.toBeInstanceOf(InvalidTarget)
      await expect(resolve(['vault:read', 'orders:read'])).rejects.toBeInstanceOf(InvalidTarget)
      await expect(resolve(['vault:read', 'orders:read'], [orders])).rejects.toBeInstanceOf(InvalidTarget)
      await resources.change('vault', { type: 'Enable' }, command())
      expect((await granted(['https://vault.example/'])).encryption).toMatchObject({ alg: 'ECDH-ES', jwk })
    })

    it.each([
      ['has no key', sealed],
      ['has none that fits', { ...sealed, jwks: { keys: [{ kty: 'RSA' as const, n: 'n', e: 'AQAB' }] } }],
      [
        'has one that hides nothing',
        {
          ...sealed,
          access_token_encrypted_response_alg: 'RSA-OAEP-256' as const,
          jwks: { keys: [hidesNothing] },
        },
      ],
      [
        'names the content alone',
        { ...server('vault', 'vault:read'), access_token_encrypted_response_enc: 'A256GCM' as const },
      ],
    ])('and %s, as it may have been kept, gets none', async (_, metadata) => {
      const { resolve, granted, resources } = await world()
      await resources.register({ client_id: 'vault', metadata }, command())
      await expect(resolve(['vault:read'])).rejects.toBeInstanceOf(InvalidTarget)
      await expect(granted(['https://vault.example/'])).rejects.toBeInstanceOf(InvalidTarget)
    })
  })

  it('is not a resource whose registration was never finished', async () => {
    const { resolve, names } = await world()
    const half = [
      { kind: 'resource', name: 'https://half.example/' },
      { kind: 'scope', name: 'half' },
    ] as const
    await names.reserve(half, 'resource half', command())
    await expect(resolve([], ['https://half.example/'])).rejects.toBeInstanceOf(InvalidTarget)
    expect(await resolve(['half'])).toEqual([ISSUER])
  })
})

describe('a command about names whose right ends', () => {
  const registered = { resource: 'https://b.example/', scopes_supported: ['b:1', 'b:2'] }
  const renamed = server('c', 'c:1', 'c:2')
  const commands: Readonly<Record<string, (made: Made, context: CommandContext) => Promise<unknown>>> = {
    'registers a client': ({ clients }, context) => clients.register({ client_id: 'x', metadata: client }, context),
    'registers a resource server': ({ resources }, context) =>
      resources.register({ client_id: 'x', metadata: NewResourceMetadata.parse(registered) }, context),
    'changes a resource server': ({ resources }, context) => resources.update('a', renamed, context),
  }
  const names = [
    ['client_id', 'x'],
    ...['https://b.example/', 'https://c.example/'].map((each) => ['resource', each] as const),
    ...['b:1', 'b:2', 'c:1', 'c:2'].map((each) => ['scope', each] as const),
  ] as const

  it.each(Object.entries(commands))('leaves no name behind, or is done: %s', async (_, act) => {
    let [isDone, refusals] = [false, 0]
    for (let asked = 0; !isDone; asked += 1) {
      const made = openParts()
      await made.resources.register({ client_id: 'a', metadata: server('a') }, command())
      let left = asked
      const establish = async () => {
        if (left-- <= 0) throw new InvalidToken('it ended')
      }
      isDone = await act(made, { ...command(), authority: { establish } }).then(
        () => true,
        (error) => expect(error).toBeInstanceOf(InvalidToken) === undefined && false,
      )
      const owners = await Promise.all(names.map(([kind, name]) => made.names.owner(kind, name)))
      if (!isDone) expect(owners.filter((owner) => owner !== undefined)).toEqual([])
      refusals += isDone ? 0 : 1
    }
    expect(refusals).toBeGreaterThan(0)
  })
})

describe('a command about a resource server that another one overtakes', () => {
  /** What this process does once it has its names, and another process does something to `a` first. */
  function overtaken(act: (elsewhere: Made) => Promise<unknown>) {
    const store = inMemoryEventStore()
    const elsewhere = openParts(store)
    let isDone = false
    const append: EventStore['append'] = async (stream, ...request) => {
      if (stream === 'resource-a' && !isDone) {
        isDone = true
        await act(elsewhere)
      }
      return store.append(stream, ...request)
    }
    return { elsewhere, here: openParts({ ...store, append }) }
  }
  const owners = ({ names }: Made) =>
    Promise.all([names.owner('resource', 'https://c.example/'), names.owner('scope', 'c:1')])

  it('leaves no name behind when it registers the same id', async () => {
    const { elsewhere, here } = overtaken(({ resources }) =>
      resources.register({ client_id: 'a', metadata: server('a', 'a:1') }, command()),
    )
    const late = here.resources.register({ client_id: 'a', metadata: server('c', 'a:1', 'c:1') }, command())
    await expect(late).rejects.toBeInstanceOf(ResourceRefused)
    expect(await owners(elsewhere)).toEqual([undefined, undefined])
    expect(await half(elsewhere, 'a')).toEqual([])
  })

  it('is decided again with the current authorization: without it nothing changes, and no name is left behind', async () => {
    let hasEnded = false
    const { elsewhere, here } = overtaken(async ({ resources }) => {
      hasEnded = true
      await resources.update('a', server('a', 'a:1'), command())
    })
    await elsewhere.resources.register({ client_id: 'a', metadata: server('a') }, command())
    const establish = async () => {
      if (hasEnded) throw new InvalidToken('it ended')
    }
    const late = here.resources.update('a', server('c', 'a:1', 'c:1'), { ...command(), authority: { establish } })
    await expect(late).rejects.toBeInstanceOf(InvalidToken)
    expect((await readResource(elsewhere.log, 'a'))?.state.metadata).toEqual(server('a', 'a:1'))
    expect(await owners(elsewhere)).toEqual([undefined, undefined])
    expect(await half(elsewhere, 'a')).toEqual([])
  })
})
