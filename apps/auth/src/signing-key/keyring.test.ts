import { type EventStore, inMemoryEventStore, UnknownOutcome } from '@ledgate/eventsourcing'
import type { KeyVault } from '@ledgate/vault'
import { inMemorySealer, inMemoryVault } from '@ledgate/vault/testing'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { rounds } from '../../../../rounds.ts'
import { type CommandContext, type EventLog, openEventLog } from '../log/index.ts'
import { openDerivationKeys } from './derivation-keys.ts'
import { openSigningKeys } from './signing-keys.ts'
import { TooEarly, TooManyKeys } from './keyring.decider.ts'
import { KeyringState } from './events.ts'
import { MAX_SUPERSEDED } from './remembered.decider.ts'
import { catalogue } from '../catalogue/index.ts'

const MAX_AGE = 300
const KEEP_FOR = 3660
const PERIOD = 4000
let commands = 0
const context = (): CommandContext => {
  commands += 1
  const id = `command-${commands}`
  return { commandId: id, correlationId: id, causationId: id, actor: { type: 'system', id: 'test' } }
}

/** A vault that says what it holds. */
function listedVault() {
  const vault = inMemoryVault()
  const names = new Set<string>()
  const listed: KeyVault = {
    ...vault,
    putIfAbsent: (name, bytes) => (names.add(name), vault.putIfAbsent(name, bytes)),
    destroy: (name) => (names.delete(name), vault.destroy(name)),
  }
  return { vault: listed, names }
}

function world(store: EventStore = inMemoryEventStore()) {
  const time = { now: 1_000_000 }
  const { vault, names } = listedVault()
  const clock = { now: () => time.now, nowMs: () => time.now * 1000 }
  const log = openEventLog({ store, sealer: inMemorySealer(vault), catalogue })
  const options = { log, vault, clock, keepFor: KEEP_FOR, context }
  return {
    time,
    vault,
    names,
    store,
    options,
    signing: (changes: { vault?: KeyVault; log?: EventLog } = {}) =>
      openSigningKeys({ ...options, maxAge: MAX_AGE, ...changes }),
    derivation: (changes: { vault?: KeyVault } = {}) => openDerivationKeys({ ...options, ...changes }),
  }
}

const kidOf = (name: string) => name.split('/')[2]
const statuses = async (keys: { read(): Promise<{ readonly keys: readonly { status: string }[] }> }) =>
  (await keys.read()).keys.map(({ status }) => status)

/** The same vault, each call of which takes as many turns of the event loop as the pattern says. */
function unsteady(vault: KeyVault, turns: readonly number[]): KeyVault {
  let call = 0
  const wait = async () => {
    call += 1
    for (let left = turns[call % turns.length] ?? 0; left > 0; left -= 1) await new Promise(setImmediate)
  }
  return {
    ...vault,
    get: async (name) => (await wait(), vault.get(name)),
    putIfAbsent: async (name, bytes) => (await wait(), vault.putIfAbsent(name, bytes)),
  }
}

describe('a keyring whose store does not say what became of an append', () => {
  it('keeps the keys that were made for it, and the next start signs with them', async () => {
    const store = inMemoryEventStore()
    const here = world(store)
    let land = async () => {}
    const silent: EventStore = {
      ...store,
      append: (...call) => {
        land = async () => void (await store.append(...call))
        return Promise.reject(new UnknownOutcome('the answer was lost'))
      },
    }
    const lost = here.signing({ log: openEventLog({ store: silent, sealer: inMemorySealer(here.vault), catalogue }) })
    await expect(lost).rejects.toBeInstanceOf(UnknownOutcome)
    await land()
    const keys = await here.signing()
    expect(await statuses(keys)).toEqual(['active', 'standby'])
    expect((await (await keys.read()).signer.sign({ typ: 'at+jwt' }, {})).split('.')).toHaveLength(3)
  })
})

describe('a keyring of several processes', () => {
  it('is rotated once when the timers of all of them ring at once', async () => {
    const turns = fc.array(fc.nat(4), { minLength: 1, maxLength: 9 })
    await fc.assert(
      fc.asyncProperty(fc.array(turns, { minLength: 3, maxLength: 3 }), async (patterns) => {
        const here = world()
        const all = await Promise.all(
          patterns.map((pattern) => here.derivation({ vault: unsteady(here.vault, pattern) })),
        )
        here.time.now += PERIOD
        await Promise.all(all.map((keys) => keys.maintain(PERIOD)))
        const keys = await here.derivation()
        expect(await statuses(keys)).toEqual(['retiring', 'active', 'standby'])
        expect([...here.names].map(kidOf).sort()).toEqual((await keys.read()).keys.map(({ kid }) => kid).sort())
      }),
      { numRuns: rounds({ quick: 12, long: 250 }) },
    )
  })

  it('keeps every promise of its log, whatever they do at the same time', async () => {
    const act = fc.oneof(
      fc.constant('rotate' as const),
      fc.constant('maintain' as const),
      fc.constant('restart' as const),
    )
    const step = fc.record({
      wait: fc.oneof(fc.nat(400), fc.nat(5000)),
      acts: fc.array(act, { minLength: 3, maxLength: 3 }),
    })
    const turns = fc.array(fc.nat(3), { minLength: 1, maxLength: 9 })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), turns, async (steps, pattern) => {
        const here = world()
        const open = () => here.signing({ vault: unsteady(here.vault, pattern) })
        const all = await Promise.all([open(), open(), open()])
        for (const { wait, acts } of steps) {
          here.time.now += wait
          await Promise.all(
            acts.map(async (each, index) => {
              const keys = all[index] ?? (await open())
              if (each === 'restart') all[index] = await open()
              else if (each === 'maintain') await keys.maintain(PERIOD)
              else await keys.rotate(context()).catch((error) => expect(error).toBeInstanceOf(TooEarly))
            }),
          )
        }
        await checkHistory(here.store)
        const keys = await open()
        await keys.maintain(Infinity)
        const live = (await keys.read()).keys.filter(({ status }) => status !== 'retired')
        expect([...here.names].map(kidOf).sort()).toEqual(live.map(({ kid }) => kid).sort())
      }),
      { numRuns: rounds({ quick: 15, long: 300 }) },
    )
  })

  it('is read from the log by each process: none follows it', async () => {
    const store = inMemoryEventStore()
    const deaf: EventStore = {
      ...store,
      subscribe() {
        throw new Error('the store cannot be followed')
      },
    }
    const here = world(store)
    const [one, other] = [
      await here.signing(),
      await here.signing({ log: openEventLog({ store: deaf, sealer: inMemorySealer(), catalogue }) }),
    ]
    here.time.now += MAX_AGE
    await one.rotate(context())
    expect((await other.read()).signer.kid).toBe((await one.read()).signer.kid)
  })
})

/** One active key at most; none used before it was published for long enough, none retired before its tokens are gone. */
async function checkHistory(store: EventStore): Promise<void> {
  let activations = 0
  for (const { type, data } of await store.read('keyring-signing')) {
    const { keys } = KeyringState.parse(data.keyring)
    expect(keys.filter(({ status }) => status === 'active').length).toBeLessThanOrEqual(1)
    const key = keys.find(({ kid }) => kid === data.kid)
    if (type === 'KeyActivated') {
      if (activations > 0) expect((key?.activated_at ?? 0) - (key?.generated_at ?? 0)).toBeGreaterThanOrEqual(MAX_AGE)
      activations += 1
    }
    if (type === 'KeyRetired')
      expect((key?.retired_at ?? 0) - (key?.superseded_at ?? 0)).toBeGreaterThanOrEqual(KEEP_FOR)
  }
  expect(activations).toBeGreaterThan(0)
}

describe('a keyring', () => {
  it('destroys the secret of a retired key also when a process died between the two', async () => {
    const here = world()
    const dying: KeyVault = { ...here.vault, destroy: () => Promise.reject(new Error('killed')) }
    const keys = await here.signing({ vault: dying })
    const old = (await keys.read()).signer.kid
    here.time.now += MAX_AGE
    await keys.rotate(context())
    here.time.now += KEEP_FOR
    await expect(keys.maintain(Infinity)).rejects.toThrow('killed')
    expect(here.names).toContain(`keyring/signing/${old}`)
    await (await here.signing()).maintain(Infinity)
    expect(here.names).not.toContain(`keyring/signing/${old}`)
  })

  it('does not put a key to use whose secret is lost', async () => {
    const here = world()
    const keys = await here.signing()
    const standby = (await keys.read()).keys.find(({ status }) => status === 'standby')?.kid ?? ''
    await here.vault.destroy(`keyring/signing/${standby}`)
    const restarted = await here.signing()
    here.time.now += PERIOD
    await expect(restarted.rotate(context())).rejects.toThrow(
      `the standby key ${standby} of signing is not in the vault`,
    )
    await expect(restarted.maintain(PERIOD)).rejects.toThrow('is not in the vault')
    expect((await (await here.signing()).read()).signer.kid).toBe((await keys.read()).signer.kid)
  })

  it('makes no key for a rotation that is too early', async () => {
    const here = world()
    const keys = await here.signing()
    const before = [...here.names]
    await expect(keys.rotate(context())).rejects.toThrow(TooEarly)
    await keys.maintain(1)
    expect([...here.names]).toEqual(before)
  })

  it('does not grow with its rotations', async () => {
    const here = world()
    const keys = await here.derivation()
    for (let rotation = 0; rotation < 200; rotation += 1) {
      here.time.now += KEEP_FOR
      await keys.maintain(KEEP_FOR)
    }
    expect((await keys.read()).keys.length).toBeLessThan(8)
    expect(here.names.size).toBeLessThan(8)
  })

  it('does not grow with the keys that are compromised, keeps no secret of any, and says of each that it is done', async () => {
    const here = world()
    const keys = await here.signing()
    const ended: string[] = []
    for (let times = 0; times < 60; times += 1) {
      const { kid } = (await keys.read()).signer
      ended.push(kid)
      await keys.compromise(kid, context())
    }
    expect((await keys.read()).keys.length).toBeLessThan(20)
    expect(here.names.size).toBe(2)
    const before = await here.store.head()
    for (const kid of ended) await keys.compromise(kid, context())
    expect(await here.store.head()).toBe(before)
    await expect(keys.compromise('nothing', context())).rejects.toThrow('unknown key')
    expect(here.names.size).toBe(2)
  })

  it('ends a key also while the vault destroys nothing, and destroys all of them once it can', async () => {
    const here = world()
    let isAway = true
    const vault: KeyVault = {
      ...here.vault,
      destroy: (name) => (isAway ? Promise.reject(new Error('away')) : here.vault.destroy(name)),
    }
    const keys = await here.signing({ vault })
    for (let times = 0; times < 20; times += 1) {
      const { kid } = (await keys.read()).signer
      await expect(keys.compromise(kid, context())).rejects.toThrow('away') // its secret is still there
      expect((await keys.read()).publicKey(kid)).toBeUndefined()
    }
    expect(here.names.size).toBe(22)
    isAway = false
    await keys.maintain(Infinity)
    expect(here.names.size).toBe(2)
  })

  it('refuses a rotation while too many keys are needed, and makes no key for it', async () => {
    const here = world()
    const keys = await here.derivation()
    for (let times = 0; times < MAX_SUPERSEDED; times += 1) await keys.rotate(context())
    const before = [...here.names]
    await expect(keys.rotate(context())).rejects.toThrow(TooManyKeys)
    here.time.now += PERIOD - 400
    await keys.maintain(1)
    expect([...here.names]).toEqual(before)
    await keys.compromise((await keys.read()).current, context())
    here.time.now += KEEP_FOR
    await keys.maintain(Infinity)
    await keys.rotate(context())
  })

  it('does not go back to what a slow read found', async () => {
    const here = world()
    const held: (() => void)[] = []
    let slow = false
    const vault: KeyVault = {
      ...here.vault,
      async get(name) {
        if (slow && held.length === 0) await new Promise<void>((resolve) => void held.push(resolve))
        return here.vault.get(name)
      },
    }
    const [keys, elsewhere] = [await here.signing({ vault }), await here.signing()]
    here.time.now += MAX_AGE
    await elsewhere.rotate(context())
    slow = true
    const overtaken = keys.maintain(Infinity) // has read of the first rotation
    await expect.poll(() => held.length).toBe(1)
    here.time.now += MAX_AGE
    await elsewhere.rotate(context())
    await keys.maintain(Infinity)
    const newest = (await elsewhere.read()).signer.kid
    expect((await keys.read()).signer.kid).toBe(newest)
    held[0]?.()
    await overtaken
    expect((await keys.read()).signer.kid).toBe(newest)
  })

  it('publishes both algorithms for as long as both are needed', async () => {
    const here = world()
    await here.signing()
    const open = () => openSigningKeys({ ...here.options, maxAge: MAX_AGE, alg: 'EdDSA' })
    const keys = await open()
    expect((await keys.read()).algs).toEqual(['ES256'])
    here.time.now += MAX_AGE
    await keys.rotate(context())
    expect((await keys.read()).algs).toEqual(['ES256', 'EdDSA'])
    here.time.now += MAX_AGE
    await keys.rotate(context())
    here.time.now += KEEP_FOR
    await keys.maintain(Infinity)
    expect((await keys.read()).algs).toEqual(['EdDSA'])
  })
})
