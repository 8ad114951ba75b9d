import { type EventStore, inMemoryEventStore } from '@ledgate/eventsourcing'
import { OAuthError } from '@ledgate/oauth'
import fc from 'fast-check'
import type { FastifyRequest } from 'fastify'
import { describe, expect, it } from 'vitest'
import { rounds } from '../../../../rounds.ts'
import { ADMINISTRATOR } from '../administrator/index.ts'
import { type Bearer, presentedToken } from '../introspection/index.ts'
import { audiences } from '../resource/index.ts'
import { ANN, type Household, household, ISSUER, SOURCE } from '../testing/household.ts'
import { command } from '../testing/parts.ts'
import { ownAccount } from './own-account.ts'

const SCOPE = 'ledgate:account ledgate:users:write ledgate:clients:write'
const BEN = { email: 'ben@example.com', password: 'a lamp below the stairs' }
/** Reads of one look at a token of a person: keys, grant, its own revocation, person, client, session, epoch. */
const LOOK = 7
/** And at whether the person administers: the list, and the person. */
const LOOK_AT_ADMINISTRATOR = LOOK + 2

/** A store that calls out before the n-th call (from 0) after it was armed, and knows which of them wrote. */
function interrupted(store: EventStore) {
  const appends: number[] = []
  let calls = 0
  let at = Infinity
  let interrupt = async () => {}
  async function before(): Promise<number> {
    const own = calls++
    if (own === at) await interrupt()
    return own
  }
  const hooked: EventStore = {
    ...store,
    async read(...request) {
      await before()
      return store.read(...request)
    },
    async append(...request) {
      const own = await before()
      const written = await store.append(...request)
      appends.push(own)
      return written
    },
  }
  return {
    hooked,
    calls: () => calls,
    appends,
    arm(n: number, work: () => Promise<void>) {
      ;[calls, at, interrupt] = [0, n, work]
      appends.length = 0
    },
  }
}

interface Tokens {
  readonly access_token: string
  readonly refresh_token?: string
}

/** A person who administers, signed in; a process whose store is interrupted, and another one of the same installation. */
async function world() {
  const store = inMemoryEventStore()
  const elsewhere = await household({ store })
  const { hooked, ...tape } = interrupted(store)
  const here = await household({ store: hooked, shared: elsewhere })
  await elsewhere.addClient('site', { scope: SCOPE })
  const { sub } = await elsewhere.accounts.create({ ...ANN, roles: [ADMINISTRATOR] }, command())
  await elsewhere.accounts.create({ ...BEN, roles: [ADMINISTRATOR] }, command())
  const tokens: Tokens = await elsewhere.signedIn('site')
  const facts = { issuer: ISSUER, issuerEpoch: here.installation.issuerEpoch }
  const noViews = { sessions: undefined, grants: undefined, waitFor: async () => true } as never
  const dependencies = { ...here.dependencies, ...here, ...facts, audiences: audiences(here.log, here.names, ISSUER) }
  const account = ownAccount({ ...dependencies, password: here.ownPassword, email: here.changeEmail, views: noViews })
  const request = { headers: { authorization: `Bearer ${tokens.access_token}` } } as FastifyRequest
  const purpose = { audience: ISSUER, scope: 'ledgate:account' }
  return { elsewhere, here, tape, sub, tokens, account, dependencies, request, purpose }
}
type World = Awaited<ReturnType<typeof world>>

async function asked({ dependencies, request, purpose, sub }: World) {
  const bearer = await presentedToken(dependencies, request, purpose)
  const { sid, gid } = bearer.members as { sid: string; gid: string }
  const context = { ...command({ type: 'user', id: sub }), authority: bearer }
  return { sub, sid, gid, bearer, context, now: dependencies.clock.now() }
}
type Asked = Awaited<ReturnType<typeof asked>>

const proof = ({ sub, context }: Asked) => ({ sub, password: ANN.password, source: SOURCE, context })

/** What a person does by a token, by its name; those that answer tokens answer them. */
const OWN: Readonly<Record<string, (here: World, by: Asked) => Promise<unknown>>> = {
  rename: ({ account }, by) => account.rename(by, 'Ada'),
  'change the password': async ({ account }, by) =>
    (await account.changePassword(by, proof(by), 'nine blue herons')).tokens,
  'change the address': ({ account }, by) => account.changeEmail(by, proof(by), 'other@example.com'),
  'end the other sessions': async ({ account }, by) => (await account.endOtherSessions(by)).tokens,
  'end a session': ({ account }, by) => account.endSession(by, by.sid),
  'end a grant': ({ account }, by) => account.endGrant(by, by.gid),
  look: ({ account }, by) => account.profile(by.sub),
}

type Command = (here: World['here'], context: Asked['context']) => Promise<unknown>
/** What an administrator does. */
const ADMINISTRATION: Readonly<Record<string, Command>> = {
  'make an administrator': ({ accounts }, context) =>
    accounts.create({ email: 'new@example.com', password: 'x', roles: [ADMINISTRATOR] }, context),
  'disable a person': async ({ accounts }, context) => accounts.disable(BEN.email, 'x', context),
  'reset a password': ({ accounts }, context) => accounts.resetPassword(BEN.email, context),
  'take roles': ({ accounts }, context) => accounts.assignRoles(BEN.email, { roles: [], entitlements: [] }, context),
  'register a client': ({ clients }, context) =>
    clients.register({ client_id: 'made', metadata: { ...METADATA } as never }, context),
  'add a secret': ({ clients }, context) => clients.addSecret('web', context),
  'rotate a key': ({ derivationKeys }, context) => derivationKeys.rotate(context),
}
const METADATA = {
  redirect_uris: [],
  token_endpoint_auth_method: 'client_secret_basic',
  grant_types: ['password'],
  response_types: [],
  scope: '',
}

type Ending = (home: Household, world: World) => Promise<unknown>
const gidOf = ({ tokens }: World) => String(tokens.refresh_token).split('.')[2] ?? ''
const kidOf = (token: string) =>
  JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()).kid as string

/** What ends everything of a person, a client or an installation: by epochs, so it ends what is made later, too. */
const BY_EPOCH: Readonly<Record<string, Ending>> = {
  disabled: ({ accounts }, { sub }) => accounts.disable(sub, 'x', command()),
  reset: ({ accounts }, { sub }) => accounts.resetPassword(sub, command()),
  'sessions ended': ({ accounts }, { sub }) => accounts.revokeSessions(sub, 'x', command()),
  erased: ({ accounts }, { sub }) => accounts.erase(sub, 'x', command()),
  'client disabled': ({ clients }) => clients.change('site', { type: 'Disable', reason: 'x' }, command()),
  'scope narrowed': async ({ clients, client }) => {
    const { metadata } = await client('site')
    return clients.change('site', { type: 'Update', metadata: { ...metadata, scope: 'openid' } }, command())
  },
  'all ended': ({ installation }) => installation.endAllTokens('x', command()),
}
/** What ends one thing, by its name. */
const BY_NAME: Readonly<Record<string, Ending>> = {
  'grant revoked': ({ revoke }, { tokens }) => revoke(String(tokens.refresh_token), 'site'),
  'token revoked': ({ revoke }, { tokens }) => revoke(tokens.access_token, 'site'),
  'key compromised': ({ signingKeys }, { tokens }) => signingKeys.compromise(kidOf(tokens.access_token), command()),
}
const ENDINGS = { ...BY_EPOCH, ...BY_NAME }

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
  if (outcome.error !== undefined) expect(outcome.error).toBeInstanceOf(OAuthError)
  const { appends, calls } = here.tape
  return { ...outcome, hasEnded, firstAppend: appends[0], calls: calls() }
}

/** Nothing was done after the last look that could have seen the ending: that look is right before what was appended first. */
function expectDecidedBefore(
  at: number,
  look: number,
  { error, hasEnded, firstAppend, calls }: Awaited<ReturnType<typeof interrupt>>,
) {
  if (!hasEnded || error !== undefined) return
  expect(at, 'the command was decided after its right had ended').toBeGreaterThan((firstAppend ?? calls) - look)
}

const point = fc.nat(70)
const run = { numRuns: rounds({ quick: 15, long: 150, soak: 3_000 }) }

describe('a command whose right ends at any moment of it', () => {
  it('of one’s own account is not done, and hands out no token that lives', async () => {
    const what = fc.constantFrom(...Object.keys(OWN))
    const how = fc.constantFrom(...Object.keys(ENDINGS))
    await fc.assert(
      fc.asyncProperty(what, how, point, async (name, end, at) => {
        const here = await world()
        const by = await asked(here)
        const [act, ending] = [OWN[name], ENDINGS[end as keyof typeof ENDINGS]]
        if (act === undefined || ending === undefined) throw new Error('there is no such thing')
        const done = await interrupt(here, ending, at, () => by.bearer.decide(() => act(here, by)))
        expectDecidedBefore(at, LOOK, done)
        const tokens = done.value as Partial<Tokens> | undefined
        if (tokens?.access_token === undefined) return
        // Its last look is the last thing that it does: what ended something by its name behind it came after the new grant.
        const isSeen = end in BY_EPOCH || at <= done.calls - LOOK
        const isAlive = !done.hasEnded || !isSeen
        if (isAlive && done.hasEnded) return
        expect(await here.elsewhere.lives(tokens.access_token)).toBe(isAlive)
        if (tokens.refresh_token !== undefined) expect(await here.elsewhere.lives(tokens.refresh_token)).toBe(isAlive)
      }),
      run,
    )
  })

  it('of an administrator is not done', async () => {
    const what = fc.constantFrom(...Object.keys(ADMINISTRATION))
    const how = fc.constantFrom(...Object.keys(ENDINGS))
    await fc.assert(
      fc.asyncProperty(what, how, point, async (name, end, at) => {
        const here = await world()
        const { dependencies, request, purpose, sub } = here
        const token = await presentedToken(dependencies, request, purpose, async () => {
          if (!(await here.here.administrators.includes(sub))) throw new OAuthError('access_denied', 403, 'no')
        })
        const context = { ...command({ type: 'user', id: sub }), authority: token satisfies Bearer }
        const [act, ending] = [ADMINISTRATION[name], ENDINGS[end as keyof typeof ENDINGS]]
        if (act === undefined || ending === undefined) throw new Error('there is no such thing')
        const done = await interrupt(here, ending, at, () => token.decide(() => act(here.here, context)))
        expectDecidedBefore(at, LOOK_AT_ADMINISTRATOR, done)
      }),
      run,
    )
  })
})

describe('a continuation', () => {
  it('keeps the epochs, the session’s time and the ends of what it continues', async () => {
    const here = await world()
    const { elsewhere } = here
    const before = await elsewhere.log.last(`grant-${gidOf(here)}`)
    elsewhere.clock.advance(100)
    const tokens = (await OWN['end the other sessions']?.(here, await asked(here))) as Tokens
    const [opened] = await elsewhere.log.last(`grant-${String(tokens.refresh_token).split('.')[2]}`)
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
})
