import { inMemoryEventStore, type Position } from '@ledgate/eventsourcing'
import { type Ended, revocationIndex, type RevocationIndex, type Scope, type TokenFacts } from '@ledgate/revocation'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ClientMetadata } from '@ledgate/oauth'
import { controls, rounds } from '../../../../rounds.ts'
import { decode, type DomainEvent, eventDefinitions } from '../catalogue/index.ts'
import { changeSession } from '../session/index.ts'
import { grantTypes } from '../token/grant-types/index.ts'
import { ANN, openHousehold, type Household, ISSUER, SOURCE } from '../testing/household.ts'
import { command } from '../testing/parts.ts'
import { type EndingsOf, endings } from './ending.ts'
import { ENDING_TYPES, noticeOf } from './notice.ts'

/** A token, and what a resource server reads from it. */
interface Held {
  readonly jwt: string
  readonly refresh: string | undefined
  readonly facts: TokenFacts
  readonly exp: number
  readonly clientId: string
}

function held(jwt: string, refresh: string | undefined): Held {
  const claims = decodeJwt(jwt) as unknown as TokenFacts & { readonly scope?: string; readonly exp: number }
  const isOffline = claims.scope?.split(' ').includes('offline_access') ?? false
  const { kid = '' } = decodeProtectedHeader(jwt)
  return { jwt, refresh, facts: { ...claims, kid, isOffline }, exp: claims.exp, clientId: claims.client_id }
}

const CLIENTS = {
  web: {},
  mobile: { scope: 'plain offline_access' },
  brief: { refresh_token_idle_expires_in: 120, refresh_token_expires_in: 200 },
  batch: { grant_types: ['client_credentials'], scope: 'plain' },
} as const
const NARROWED = { grant_types: ['password'], scope: '' }
const BEN = { email: 'ben@example.com', password: 'a brisk walk up the hill' }

/** A household, the tokens that it gave out, and an index over the notices of its log, but for those of one scope. */
async function town(deafTo?: Scope) {
  const home = await openHousehold()
  for (const [id, metadata] of Object.entries(CLIENTS)) if (id !== 'web') await home.addClient(id, metadata)
  const people = [(await home.create(ANN)).sub, (await home.create(BEN)).sub]
  return living(home, people, revocationIndex({ now: home.clock.nowMs }), deafTo)
}

async function living(home: Household, people: readonly string[], index: RevocationIndex, deafTo?: Scope) {
  const { store } = home
  const factsNow = async () => ({ issuer: ISSUER, issuerEpoch: await home.installation.issuerEpoch(), tokenCap: 3600 })
  const { clock } = home
  const tokens: Held[] = []
  let seen = await store.head()
  const ended: Ended[] = []

  /** As the endpoint does before anything else: a disabled client does not get in. */
  async function admit(clientId: string): Promise<void> {
    if ((await home.client(clientId)).disabled) throw new Error(`${clientId} is disabled`)
  }

  async function service(): Promise<void> {
    await admit('batch')
    const epoch = await home.installation.issuerEpoch()
    const request = { body: {}, context: command(), source: SOURCE, now: clock.now(), issuerEpoch: epoch }
    const answer = await grantTypes.client_credentials.run(home.dependencies, {
      client: await home.client('batch'),
      ...request,
    })
    tokens.push(held(answer.tokens.access_token, undefined))
  }

  async function person(clientId: string, who = ANN): Promise<void> {
    await admit(clientId)
    const { access_token, refresh_token } = await home.signedIn(clientId, who)
    tokens.push(held(access_token, refresh_token))
  }

  /** Applies what the log says since the last time, as the feed does. */
  async function hear(): Promise<readonly DomainEvent['type'][]> {
    const types: DomainEvent['type'][] = []
    for await (const recorded of store.readAll({ after: seen })) {
      seen = recorded.position
      const event = decode(recorded)
      const notice = event && noticeOf(event, await factsNow())
      if (event !== undefined) types.push(event.type)
      if (notice === undefined) continue
      ended.push(notice.ended)
      if (notice.ended.scope !== deafTo) index.apply(notice.ended)
    }
    return types
  }

  /** Whether introspection and the index say the same of every token that has not expired; how many of them live. */
  async function compare(): Promise<number> {
    let alive = 0
    for (const { jwt, facts: token, exp } of tokens) {
      if (clock.now() >= exp) continue
      const lives = await home.lives(jwt)
      expect({ token: token.jti, client: token.client_id, lives }).toEqual({
        token: token.jti,
        client: token.client_id,
        lives: index.endedBy(token) === undefined,
      })
      if (lives) alive += 1
    }
    return alive
  }

  return { ...home, people, tokens, admit, service, person, hear, compare, ended, index }
}

type Town = Awaited<ReturnType<typeof living>>

/** The same household as its log had it at a place, restored there; whoever followed it before follows it on. */
async function restored({ store: old, clock, vault, people, index }: Town, at: Position): Promise<Town> {
  let created = 0
  const store = inMemoryEventStore({ clock: () => created })
  for await (const { stream, id, type, data, metadata, position, created: then } of old.readAll()) {
    if (position > at) break
    created = then
    await store.append(stream, [{ id, type, data, metadata }], { expected: 'any' })
  }
  clock.advance(1) // a restore takes longer, and its epoch is of the clock
  created = clock.nowMs()
  const home = await openHousehold({ store, shared: { clock, vault } })
  const here = await living(home, people, index)
  await home.installation.endAllTokens('restored', command())
  await here.hear()
  return here
}

/** Everybody signs in everywhere. */
async function signEverybodyIn(here: Town): Promise<void> {
  for (const client of ['web', 'mobile', 'brief']) for (const who of [ANN, BEN]) await here.person(client, who)
  await here.service()
}

const first = ({ tokens }: Town, client: string, offset = 0): Held => {
  const found = tokens.filter(({ clientId }) => clientId === client)[offset]
  if (found === undefined) throw new Error(`there is no token of ${client}`)
  return found
}
const update = (id: string, metadata: object) => (here: Town) =>
  here.clients.change(id, { type: 'Update', metadata: ClientMetadata.parse(metadata) }, command())
const session = (type: 'Revoke' | 'End') => (here: Town, token: Held) =>
  changeSession(here.log, token.facts.sid ?? '', { type, reason: 'a test' }, { context: command() })
const ann = ({ people: [sub = ''] }: Town) => sub
const password = (here: Town) => {
  const proof = { sub: ann(here), password: ANN.password, source: SOURCE, context: command() }
  return here.ownPassword.change(proof, 'another quiet harbour at dusk')
}

/** What ends tokens: the event of it, and how it is done with a person, a client or a token. */
const ENDINGS: readonly (readonly [DomainEvent['type'], string, (here: Town) => Promise<unknown>])[] = [
  ['UserDisabled', 'disabling a person', (here) => here.accounts.disable(ann(here), 'a test', command())],
  ['PasswordSet', 'a new password', password],
  ['PasswordSet', 'taking a password away', (here) => here.accounts.resetPassword(ann(here), command())],
  ['UserSessionsRevoked', 'ending sessions', (here) => here.accounts.revokeSessions(ann(here), 'a test', command())],
  ['SubjectErased', 'erasing a person', (here) => here.accounts.erase(ann(here), 'a test', command())],
  [
    'RolesAssigned',
    'taking a role away',
    async (here) => {
      await here.accounts.assignRoles(ann(here), { roles: ['buyer'], entitlements: [] }, command())
      await here.person('web')
      await here.hear()
      expect(await here.compare()).toBe(8)
      await here.accounts.assignRoles(ann(here), { roles: [], entitlements: [] }, command())
    },
  ],
  ['ClientUpdated', 'narrowing a client', update('mobile', NARROWED)],
  [
    'ClientDisabled',
    'disabling a client',
    (here) => here.clients.change('batch', { type: 'Disable', reason: '' }, command()),
  ],
  ['SessionRevoked', 'revoking a session', (here) => session('Revoke')(here, first(here, 'mobile'))],
  ['SessionEnded', 'the end of a session', (here) => session('End')(here, first(here, 'web'))],
  ['GrantRevoked', 'revoking a refresh token', (here) => here.revoke(String(first(here, 'mobile').refresh), 'mobile')],
  [
    'GrantRevoked',
    'a refresh token that comes back',
    async (here) => {
      const refresh = first(here, 'mobile').refresh
      for (let times = 0; times < 3; times += 1) {
        here.clock.advance(20)
        await here.refresh(refresh, undefined, 'mobile').catch(() => undefined)
      }
    },
  ],
  ['TokenRevoked', 'revoking a token', (here) => here.revoke(first(here, 'web').jwt, 'web')],
  ['ServiceTokenRevoked', 'revoking a token of a service', (here) => here.revoke(first(here, 'batch').jwt, 'batch')],
  [
    'KeyCompromised',
    'ending a signing key',
    (here) => here.signingKeys.compromise(first(here, 'web').facts.kid, command()),
  ],
  ['IssuerEpochRaised', 'ending all tokens', (here) => here.installation.endAllTokens('a test', command())],
]

describe('what an event ends', () => {
  it('is said of every type of event, or that it ends nothing', () => {
    expect(Object.keys(endings).sort()).toEqual(eventDefinitions.map(({ type }) => type).sort())
    type Later = DomainEvent | { readonly type: 'SomethingEnded'; readonly data: object }
    // @ts-expect-error a type of event that the table does not speak of
    const incomplete: EndingsOf<Later> = endings
    expect(incomplete).not.toHaveProperty('SomethingEnded')
  })

  it('is driven by a command here for every type of event that may end something', () => {
    expect([...new Set(ENDINGS.map(([type]) => type))].sort()).toEqual([...ENDING_TYPES].sort())
  })

  it.each(ENDINGS)('%s: %s is the same for introspection and for a reader of the feed', async (type, _, end) => {
    const here = await town()
    await signEverybodyIn(here)
    await here.hear()
    expect(await here.compare()).toBe(7)
    await end(here)
    expect(await here.hear()).toContain(type)
    const alive = await here.compare()
    expect(alive).toBeLessThan(here.tokens.length)
    if (type !== 'KeyCompromised' && type !== 'IssuerEpochRaised') expect(alive).toBeGreaterThan(0)
    // Whoever signs in afterwards, in the same second, is in.
    await here.person('web', BEN)
    await here.hear()
    expect(await here.compare()).toBe(alive + 1)
  })

  it('is nothing for what only changes, or widens', async () => {
    const here = await town()
    await signEverybodyIn(here)
    await here.accounts.assignRoles(ann(here), { roles: ['buyer'], entitlements: ['discount'] }, command())
    await update('web', { grant_types: ['password', 'refresh_token', 'client_credentials'] })(here)
    await here.clients.addSecret('web', command())
    await here.derivationKeys.compromise((await here.derivationKeys.read()).current, command())
    await here.hear()
    expect(await here.compare()).toBe(7)
  })

  it('lasts until no token of before lives: the index that forgets it calls none of them alive', async () => {
    const here = await town()
    await signEverybodyIn(here)
    await here.accounts.revokeSessions(ann(here), 'a test', command())
    await here.revoke(first(here, 'batch').jwt, 'batch')
    await here.hear()
    const latest = Math.max(...here.tokens.map(({ exp }) => exp))
    expect(here.ended.length).toBeGreaterThan(1)
    for (const { scope, until } of here.ended) if (scope !== 'client') expect(until).toBeGreaterThanOrEqual(latest)
    expect(here.ended.find(({ scope }) => scope === 'jti')?.until).toBe(first(here, 'batch').exp + 60)
  })
})

/** What may happen, to whom: by numbers that fast-check picks. */
interface Step {
  readonly what: number
  readonly which: number
}

type Act = (here: Town, which: number) => Promise<unknown>

const of = <Item>(items: readonly Item[], which: number): Item => items[which % items.length] as Item
const user = (here: Town, which: number) => of(here.people, which)
const aClient = (which: number) => of(['web', 'mobile', 'brief', 'batch'], which)
const ofToken = (act: (here: Town, token: Held) => Promise<unknown>) => async (here: Town, which: number) =>
  here.tokens.length > 0 && act(here, of(here.tokens, which))

const compromise: Act = ofToken((here, { facts }) => here.signingKeys.compromise(facts.kid, command()))

const ACTS: readonly Act[] = [
  (here, which) => here.person(of(['web', 'mobile', 'brief'], which), of([ANN, BEN], which >> 2)),
  (here, which) => here.person(of(['web', 'mobile', 'brief'], which), of([ANN, BEN], which >> 2)),
  (here) => here.service(),
  ofToken(async (here, { refresh, clientId }) => {
    await here.admit(clientId)
    const tokens = await here.refresh(refresh, undefined, clientId)
    here.tokens.push(held(tokens.access_token, tokens.refresh_token))
  }),
  ofToken((here, { jwt, clientId }) => here.revoke(jwt, clientId)),
  ofToken((here, { refresh = '', clientId }) => here.revoke(refresh, clientId)),
  ofToken(session('Revoke')),
  ofToken(session('End')),
  (here, which) => here.accounts.disable(user(here, which), 'a test', command()),
  (here, which) => here.accounts.enable(user(here, which), command()),
  (here, which) => here.accounts.revokeSessions(user(here, which), 'a test', command()),
  (here, which) =>
    here.accounts.assignRoles(
      user(here, which),
      { roles: which % 4 < 2 ? ['buyer'] : [], entitlements: [] },
      command(),
    ),
  (here, which) => here.clients.change(aClient(which), { type: 'Disable', reason: 'a test' }, command()),
  (here, which) => here.clients.change(aClient(which), { type: 'Enable' }, command()),
  (here, which) => update(aClient(which), which % 8 < 4 ? NARROWED : CLIENTS[aClient(which) as 'web'])(here),
  async (here, which) => void (which % 5 === 0 && (await here.installation.endAllTokens('a test', command()))),
  compromise,
  async (here, which) => here.clock.advance(which % 100),
  async (here, which) => here.clock.advance(which % 10),
]

async function happen(here: Town, { what, which }: Step, acts = ACTS): Promise<void> {
  // What is refused is refused: a disabled person does not sign in.
  await of(acts, what)(here, which).catch(() => undefined)
}

const steps = fc.array(fc.record({ what: fc.nat(ACTS.length - 1), which: fc.nat(999) }), {
  minLength: 5,
  maxLength: 40,
})

/** Whether introspection and the index agree after every step. */
const agree = (deafTo?: Scope) =>
  fc.asyncProperty(steps, async (all) => {
    const here = await town(deafTo)
    await signEverybodyIn(here)
    for (const step of all) {
      await happen(here, step)
      await here.hear()
      await here.compare()
    }
  })

describe('any history', () => {
  it('gives the same verdicts to introspection and to a reader of the feed', async () => {
    await fc.assert(agree(), { numRuns: rounds({ quick: 4, long: 200 }) })
  })

  it('continues after a restore: earlier notices revoke tokens issued before it, and none issued after it', async () => {
    // A key that was compromised after the place of the restore stays refused, and is a case of its own.
    const acts = ACTS.filter((act) => act !== compromise)
    const choices = fc.record({ before: steps, part: fc.nat(100), after: steps })
    await fc.assert(
      fc.asyncProperty(choices, async ({ before, part, after }) => {
        const first = await town()
        const begun = await first.store.head()
        await signEverybodyIn(first)
        const places = [begun]
        for (const step of before) {
          await happen(first, step, acts)
          places.push(await first.store.head())
        }
        await first.hear()
        const here = await restored(first, of(places, part))
        for (const { facts } of first.tokens) expect(first.index.endedBy(facts)).toBeDefined()
        await signEverybodyIn(here).catch(() => undefined) // who was disabled then is disabled again
        expect(await here.compare()).toBe(here.tokens.length)
        for (const step of after) {
          await happen(here, step, acts)
          await here.hear()
          await here.compare()
        }
      }),
      { numRuns: rounds({ quick: 10, long: 200 }) },
    )
  })

  controls(() =>
    it.each(['user', 'grant', 'session'] as const)('detects that notices of scope %s are missing', async (scope) => {
      const { failed } = await fc.check(agree(scope), { numRuns: 200, endOnFailure: true })
      expect(failed).toBe(true)
    }),
  )
})
