import { type EventStore, inMemoryEventStore } from '@ledgate/eventsourcing'
import { OAuthError } from '@ledgate/oauth'
import fc from 'fast-check'
import type { FastifyRequest } from 'fastify'
import { describe, expect, it } from 'vitest'
import { rounds } from '../../../../rounds.ts'
import { ADMINISTRATOR } from '../../src/admin/administrators/index.ts'
import { grantStream, readGrant } from '../../src/grant/index.ts'
import { type Bearer, continuing, presentedToken } from '../../src/introspection/index.ts'
import { openAudiences } from '../../src/resource/index.ts'
import { changeSession } from '../../src/session/index.ts'
import { ANN, type Household, openHousehold, ISSUER, SOURCE } from '../../src/testing/household.ts'
import { newId } from '../../src/log/index.ts'
import { command } from '../../src/testing/parts.ts'
import { type EverythingEnded, openSelfService } from '../../src/self-service/self-service.ts'

const SCOPE = 'ledgate:account ledgate:users:write ledgate:clients:write'
/** Reads of one look at a token of a person: keys, grant, its own revocation, person, client, session, epoch. */
const LOOK = 7
/** And at whether the person administers: the list, and the person. */
const LOOK_AT_ADMINISTRATOR = LOOK + 2

/** What a sign-in leaves of itself is no part of the command that it proves. */
const isNoted = (stream: string) => /^(login|place)/.test(stream)

/** A store that calls out before the n-th call (from 0) after it was armed, and knows which of them wrote, and where. */
function interrupted(store: EventStore) {
  const appends: { readonly at: number; readonly stream: string }[] = []
  let calls = 0
  let isTried = false
  let at = Infinity
  let interrupt = async () => {}
  async function before(stream: string): Promise<number> {
    if (isNoted(stream)) return -1
    const own = calls++
    if (own === at) await interrupt()
    return own
  }
  const hooked: EventStore = {
    ...store,
    async read(stream, ...request) {
      await before(stream)
      return store.read(stream, ...request)
    },
    async append(stream, ...request) {
      const own = await before(stream)
      if (own >= 0) isTried = true
      const written = await store.append(stream, ...request)
      if (own >= 0) appends.push({ at: own, stream })
      return written
    },
  }
  return {
    hooked,
    calls: () => calls,
    isTried: () => isTried,
    appends,
    arm(n: number, work: () => Promise<void>) {
      ;[calls, at, interrupt, isTried] = [0, n, work, false]
      appends.length = 0
    },
  }
}

interface Tokens {
  readonly access_token: string
  readonly refresh_token?: string
}

const requestBy = ({ access_token }: Tokens) => ({
  request: { headers: { authorization: `Bearer ${access_token}` } } as FastifyRequest,
})

/** A process whose store is interrupted, and another one of the same installation. */
async function installation() {
  const store = inMemoryEventStore()
  const elsewhere = await openHousehold({ store })
  const { hooked, ...tape } = interrupted(store)
  return { elsewhere, tape, here: await openHousehold({ store: hooked, shared: elsewhere }) }
}

type Installation = Awaited<ReturnType<typeof installation>>

/** A new person who administers, signed in by a client of their own, in an installation where others did before. */
async function signedInTo({ elsewhere, here, tape }: Installation, metadata: object) {
  const id = newId()
  const [ann, ben, site] = [{ ...ANN, email: `ann-${id}@example.com` }, `ben-${id}@example.com`, `site-${id}`]
  await elsewhere.addClient(site, { scope: SCOPE, ...metadata })
  const { sub } = await elsewhere.accounts.create({ ...ann, roles: [ADMINISTRATOR] }, command())
  await elsewhere.accounts.create({ ...ANN, email: ben, roles: [ADMINISTRATOR] }, command())
  const [cid, dan] = [`cid-${id}@example.com`, `dan-${id}@example.com`]
  await elsewhere.accounts.create({ ...ANN, email: cid }, command())
  await elsewhere.accounts.create({ ...ANN, email: dan, roles: [ADMINISTRATOR] }, command())
  await elsewhere.accounts.disable(dan, 'x', command())
  const tokens: Tokens = await elsewhere.signedIn(site, ann)
  const facts = { issuer: ISSUER, issuerEpoch: here.installation.issuerEpoch }
  const noViews = { sessions: undefined, grants: undefined, waitFor: async () => true } as never
  const dependencies = {
    ...here.dependencies,
    ...here,
    ...facts,
    audiences: openAudiences(here.log, here.names, ISSUER),
  }
  const account = openSelfService({
    ...dependencies,
    password: here.ownPassword,
    email: here.changeEmail,
    views: noViews,
  })
  const { request } = requestBy(tokens)
  const purpose = { audience: ISSUER, scope: 'ledgate:account' }
  const names = { id, ann, ben, cid, dan, site }
  return { elsewhere, here, tape, sub, tokens, account, dependencies, request, purpose, ...names }
}
type World = Awaited<ReturnType<typeof signedInTo>>

/** Worlds that share an installation, some at a time: to open one takes longer than what is tried in it. */
function worlds() {
  let opened: Installation | undefined
  let count = 0
  return async (metadata: object = {}): Promise<World> => {
    if (opened === undefined || (count += 1) % 50 === 0) opened = await installation()
    return signedInTo(opened, metadata)
  }
}
const world = worlds()

async function asked({
  dependencies,
  request,
  purpose,
  sub,
}: Pick<World, 'dependencies' | 'request' | 'purpose' | 'sub'>) {
  const bearer = await presentedToken(dependencies, request, purpose)
  const { sid, gid } = bearer.members as { sid: string; gid: string }
  const context = { ...command({ type: 'user', id: sub }), authority: bearer }
  return { sub, sid, gid, bearer, context, now: dependencies.clock.now() }
}
type Asked = Awaited<ReturnType<typeof asked>>

const proof = ({ sub, context }: Asked) => ({ sub, password: ANN.password, source: SOURCE, context })

/** What a person does by a token, by its name. */
const OWN = {
  rename: ({ account }, by) => account.rename(by, 'Ada'),
  'change the password': ({ account }, by) => account.changePassword(by, proof(by), 'nine blue herons'),
  'change the address': ({ account }, by) => account.changeEmail(by, proof(by), `other-${by.sub}@example.com`),
  'end the other sessions': ({ account }, by) => account.endOtherSessions(by),
  'end a session': ({ account }, by) => account.endSession(by, by.sid),
  'end a grant': ({ account }, by) => account.endGrant(by, by.gid),
  look: ({ account }, by) => account.profile(by.sub),
} satisfies Readonly<Record<string, (here: World, by: Asked) => Promise<unknown>>>

type Command = (here: World['here'], context: Asked['context'], names: World) => Promise<unknown>
/** What an administrator does. */
const ADMINISTRATION: Readonly<Record<string, Command>> = {
  'make an administrator': ({ accounts }, context, { id }) =>
    accounts.create({ email: `new-${id}@example.com`, password: 'x', roles: [ADMINISTRATOR] }, context),
  'disable a person': async ({ accounts }, context, { ben }) => accounts.disable(ben, 'x', context),
  'reset a password': ({ accounts }, context, { ben }) => accounts.resetPassword(ben, context),
  'make somebody an administrator': async ({ accounts }, context, { cid }) =>
    accounts.assignRoles(cid, { roles: [ADMINISTRATOR], entitlements: [] }, context),
  'enable an administrator': async ({ accounts }, context, { dan }) => accounts.enable(dan, context),
  'take roles': ({ accounts }, context, { ben }) => accounts.assignRoles(ben, { roles: [], entitlements: [] }, context),
  'register a client': ({ clients }, context, { id }) =>
    clients.register({ client_id: `made-${id}`, metadata: { ...METADATA } as never }, context),
  'add a secret': ({ clients }, context, { site }) => clients.addSecret(site, context),
  'rotate a key': ({ derivationKeys }, context) => derivationKeys.rotate(context),
}
const METADATA = {
  redirect_uris: [],
  token_endpoint_auth_method: 'client_secret_basic',
  grant_types: ['password'],
  response_types: [],
  scope: '',
}

type Ending = (home: Household, world: World) => unknown
const gidOf = ({ tokens }: World) => String(tokens.refresh_token).split('.')[2] ?? ''
const partOf = (token: string, index: number) =>
  JSON.parse(Buffer.from(token.split('.')[index] ?? '', 'base64url').toString()) as Record<string, string>
const kidOf = (token: string) => String(partOf(token, 0)['kid'])
const sidOf = (token: string) => String(partOf(token, 1)['sid'])

/** What ends everything of a person, a client or an installation: by epochs, so it ends what is made later, too. */
const BY_EPOCH: Readonly<Record<string, Ending>> = {
  disabled: ({ accounts }, { sub }) => accounts.disable(sub, 'x', command()),
  reset: ({ accounts }, { sub }) => accounts.resetPassword(sub, command()),
  'sessions ended': ({ accounts }, { sub }) => accounts.revokeSessions(sub, 'x', command()),
  erased: ({ accounts }, { sub }) => accounts.erase(sub, 'x', command()),
  'client disabled': ({ clients }, { site }) => clients.change(site, { type: 'Disable', reason: 'x' }, command()),
  'scope narrowed': async ({ clients, client }, { site }) => {
    const { metadata } = await client(site)
    return clients.change(site, { type: 'Update', metadata: { ...metadata, scope: 'openid' } }, command())
  },
  'grant type taken': async ({ clients, client }, { site }) => {
    const { metadata } = await client(site)
    const without = { ...metadata, grant_types: ['client_credentials' as const] }
    return clients.change(site, { type: 'Update', metadata: without }, command())
  },
  'all ended': ({ installation }) => installation.endAllTokens('x', command()),
}
/** What ends one thing, by its name. */
const BY_NAME: Readonly<Record<string, Ending>> = {
  'session ended': ({ log }, { tokens }) => {
    const own = { context: command(), dataKey: undefined }
    return changeSession(log, sidOf(tokens.access_token), { type: 'Revoke', reason: 'x' }, own)
  },
  'grant revoked': ({ revoke }, { tokens, site }) => revoke(String(tokens.refresh_token), site),
  'token revoked': ({ revoke }, { tokens, site }) => revoke(tokens.access_token, site),
  'key compromised': ({ signingKeys }, { tokens }) => signingKeys.compromise(kidOf(tokens.access_token), command()),
}
const ENDINGS: readonly (readonly [name: string, ending: Ending])[] = Object.entries({ ...BY_EPOCH, ...BY_NAME })

/** Runs a command, and an ending before one of its calls of the store. */
async function interrupt(here: World, ending: Ending, at: number, run: () => Promise<unknown>) {
  let hasEnded = false
  here.tape.arm(at, async () => {
    await ending(here.elsewhere, here)
    hasEnded = true
  })
  const outcome = await run().then(
    (value) => ({ value, error: undefined }),
    (error: unknown) => ({ value: undefined, error }),
  )
  const { cause } = (outcome.value ?? {}) as { readonly cause?: unknown }
  for (const each of [outcome.error, cause]) if (each !== undefined) expect(each).toBeInstanceOf(OAuthError)
  const { appends, calls, isTried } = here.tape
  const taped = { appends: [...appends], calls: calls(), isTried: isTried() }
  here.tape.arm(Infinity, async () => {}) // what the command never came to must not happen to whoever is next
  return { ...outcome, hasEnded, ...taped }
}

/**
 * Either the command is refused and nothing was appended, or it is done. Then nothing was after the last look that could have seen
 * the ending: that look is right before what was appended first.
 */
function expectDecidedBefore(
  at: number,
  look: number,
  { error, hasEnded, appends, calls, isTried }: Awaited<ReturnType<typeof interrupt>>,
) {
  if (error !== undefined) return expect(appends, 'the command is refused, and something of it was done').toEqual([])
  if (!hasEnded) return
  expect(at, 'the right had ended before anything was read').toBeGreaterThan(0)
  // Where an append came too late, and what was read again left nothing to do, two calls follow the look.
  const decided = appends[0]?.at ?? (isTried ? calls - 2 : calls)
  expect(at, 'the command was decided after its right had ended').toBeGreaterThan(decided - look)
}

/** Where in a command something comes between: a share of the calls that the command makes when nothing does. */
const moment = fc.noBias(fc.nat(999)).map((thousandths) => thousandths / 1_000)
const run = { numRuns: rounds({ quick: 1, long: 4, soak: 50 }) }

/** Runs a command once for each ending and moment. */
async function tryEach(
  prepare: (here: World) => Promise<() => Promise<unknown>>,
  check: (
    done: Awaited<ReturnType<typeof interrupt>>,
    tried: { here: World; end: string; at: number },
  ) => Promise<void>,
) {
  const whole = await world()
  const { calls } = await interrupt(whole, async () => {}, Infinity, await prepare(whole))
  for (const [end, ending] of ENDINGS)
    await fc.assert(
      fc.asyncProperty(moment, async (share) => {
        const here = await world()
        const act = await prepare(here)
        const at = Math.floor(share * calls)
        await check(await interrupt(here, ending, at, act), { here, end, at })
      }),
      run,
    )
}

/** No grant of the person is open but the one that asked. */
async function expectNoneOpened(here: World, { appends }: Awaited<ReturnType<typeof interrupt>>) {
  const grants = appends.filter(({ stream }) => stream.startsWith('grant-')).map(({ stream }) => stream.slice(6))
  for (const gid of grants.filter((each) => each !== gidOf(here)))
    expect((await readGrant(here.elsewhere.log, gid))?.state).toMatchObject({ revoked: true })
}

describe('a command whose right ends at any moment of it', () => {
  it.each(Object.entries(OWN))('is not done, and hands out no token that lives: %s', (_, act) =>
    tryEach(
      async (here) => {
        const by = await asked(here)
        return () => by.bearer.decide<unknown>(() => act(here, by))
      },
      async (done, { here, end, at }) => {
        expectDecidedBefore(at, LOOK, done)
        const { tokens } = (done.value ?? {}) as { readonly tokens?: Tokens }
        if (tokens === undefined) return expectNoneOpened(here, done)
        // Its last look is the last thing that it does: what ended something by its name behind it came after the new grant.
        const isSeen = end in BY_EPOCH || at <= done.calls - LOOK
        const isAlive = !done.hasEnded || !isSeen
        if (isAlive && done.hasEnded) return
        expect(await here.elsewhere.lives(tokens.access_token)).toBe(isAlive)
        if (tokens.refresh_token !== undefined) expect(await here.elsewhere.lives(tokens.refresh_token)).toBe(isAlive)
      },
    ),
  )

  it.each(Object.entries(ADMINISTRATION))('is not done by an administrator: %s', (_, act) =>
    tryEach(
      async (here) => {
        const { dependencies, request, purpose, sub } = here
        const token = await presentedToken(dependencies, request, purpose, async () => {
          if (!(await here.here.administrators.includes(sub))) throw new OAuthError('access_denied', 403, 'no')
        })
        const context = { ...command({ type: 'user', id: sub }), authority: token satisfies Bearer }
        return () => token.decide(() => act(here.here, context, here))
      },
      async (done, { at }) => expectDecidedBefore(at, LOOK_AT_ADMINISTRATOR, done),
    ),
  )
})

/** One of the commands by which a person ends everything else. */
const endingAll = fc.constantFrom<((here: World, by: Asked) => Promise<EverythingEnded>)[]>(
  OWN['change the password'],
  OWN['end the other sessions'],
)
type EndAll = typeof endingAll extends fc.Arbitrary<infer Command> ? Command : never

describe('two commands of one person that end everything else', () => {
  it('leave one of the two signed in, whichever is faster, and by one grant', async () => {
    await fc.assert(
      fc.asyncProperty(endingAll, endingAll, fc.boolean(), moment, async (first, second, isSameToken, share) => {
        const here = await world()
        const { elsewhere, site, ann } = here
        const tokens = isSameToken ? here.tokens : await elsewhere.signedIn(site, ann)
        const [one, other] = [await asked(here), await asked({ ...here, ...requestBy(tokens) })]
        const outcomes: EverythingEnded[] = []
        const act = async (end: EndAll, by: Asked) => void outcomes.push(await by.bearer.decide(() => end(here, by)))
        const refused = (error: unknown) => expect(error).toBeInstanceOf(OAuthError)
        let running: Promise<void> | undefined
        const between = () => (running ??= act(second, other).catch(refused))
        await interrupt(here, between, Math.floor(share * 60), () => act(first, one))
        await between()
        const made = outcomes.map(({ tokens: goesOn }) => goesOn).filter((each) => each !== undefined)
        const all = [here.tokens, tokens, ...made]
        const alive = await Promise.all(all.map(({ access_token }) => elsewhere.lives(access_token)))
        expect(outcomes.length, 'one of them is done').toBeGreaterThan(0)
        expect(alive.slice(0, 2), 'what asked is ended').toEqual([false, false])
        expect(alive.filter(Boolean), 'one goes on').toHaveLength(1)
      }),
      { numRuns: rounds({ quick: 10, long: 200, soak: 3_000 }) },
    )
  })
})

describe('a continuation', () => {
  it('keeps the epochs, the session’s time and the ends of what it continues', async () => {
    const here = await world()
    const { elsewhere } = here
    const before = await elsewhere.log.last(grantStream.of(gidOf(here)))
    elsewhere.clock.advance(100)
    const { tokens } = await here.account.endOtherSessions(await asked(here))
    const [opened] = await elsewhere.log.last(grantStream.of(String(String(tokens?.refresh_token).split('.')[2])))
    const grantOf = (event: unknown) => (event as { data: { grant: Record<string, unknown> } }).data.grant
    const [old, made] = [grantOf(before[0]), grantOf(opened)]
    expect(made).toMatchObject({
      client_epoch: old['client_epoch'],
      issuer_epoch: old['issuer_epoch'],
      user_epoch: Number(old['user_epoch']) + 1,
      auth_time: old['auth_time'],
      refresh: { expires_at: (old['refresh'] as { expires_at: number }).expires_at },
    })
  })

  it('is none of a session that ends while the command is under way, and the command is done', async () => {
    /** A token whose session lasts ten seconds more. */
    async function nearItsEnd() {
      const here = await world({ refresh_token_expires_in: 1_000, scope: `${SCOPE} offline_access` })
      here.elsewhere.clock.advance(990)
      const tokens = await here.elsewhere.refresh(here.tokens.refresh_token, undefined, here.site)
      const by = await asked({ ...here, ...requestBy(tokens) })
      return { here, act: () => here.account.changePassword(by, proof(by), 'nine blue herons') }
    }
    const whole = await nearItsEnd()
    const { appends } = await interrupt(whole.here, async () => {}, Infinity, whole.act)
    const { here, act } = await nearItsEnd()
    const passes: Ending = async ({ clock }) => clock.advance(20)
    const done = await interrupt(here, passes, Number(appends[0]?.at) + 1, act)
    expect(done).toMatchObject({ hasEnded: true, error: undefined, value: { tokens: undefined } })
  })

  it('is none when its token would be too large by now, and the command is done', async () => {
    const here = await world({ scope: `${SCOPE} ${'x'.repeat(6_500)}` })
    const roles = [ADMINISTRATOR, 'y'.repeat(3_000)]
    await here.elsewhere.accounts.assignRoles(here.sub, { roles, entitlements: [] }, command())
    const done = await here.account.endOtherSessions(await asked(here))
    expect(done.tokens).toBeUndefined()
    expect(done.cause).toMatchObject({ error: 'invalid_scope' })
    expect(await here.elsewhere.lives(here.tokens.access_token)).toBe(false)
  })

  it('is none of a token from before another command, whose epoch is not the one below', async () => {
    const here = await world()
    const { now } = await asked(here)
    for (let times = 0; times < 2; times += 1) await here.elsewhere.accounts.revokeSessions(here.sub, 'x', command())
    const text = here.tokens.access_token
    expect(await continuing(here.dependencies, { text, askedAt: now, now, userEpoch: 2 })).toBeUndefined()
  })
})
