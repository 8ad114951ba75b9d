import { type EventFilter, type EventStore, inMemoryEventStore } from '@ledgate/eventsourcing'
import { expect, it, vi } from 'vitest'
import { readConfig } from '../../src/config/index.ts'
import { createLogger } from '../../src/http/index.ts'
import { openMailSending } from '../../src/mail/index.ts'
import { type Household, openHousehold, ISSUER } from '../../src/testing/household.ts'
import { newId } from '../../src/log/index.ts'
import type { Core } from '../../src/compose/core.ts'
import { openUsers } from '../../src/compose/people.ts'

/** Looks that are left to who reads on after the end. */
const LEFT = 20_000

/** A log that is endless to some of its readers until `end`, and in which nothing is what anybody looks for. */
function endlessStore(isEndless: (filter: EventFilter | undefined) => boolean) {
  const store = inMemoryEventStore()
  const looks = { made: 0, left: Infinity }
  const readAll: EventStore['readAll'] = async function* ({ signal, filter } = {}) {
    for (; isEndless(filter) && looks.left > 0 && !signal?.aborted; looks.left -= 1) {
      looks.made += 1
      await new Promise(setImmediate)
    }
  }
  return { store: { ...store, readAll }, looks, end: () => void (looks.left = LEFT) }
}

const TRIED_AGAIN = 'mails that are due again'

/** What reads the whole log while the server goes on; each begins to, and answers what ends it. */
const READERS: Readonly<Record<string, (home: Household) => { stop(): Promise<unknown> }>> = {
  'mails of before the start that count'(home) {
    const config = readConfig({ LEDGATE_ISSUER: ISSUER })
    const views = { projector: { checkpoints: home.checkpoints } }
    const people = openUsers({ ...home, config, views, logger: createLogger({ level: 'silent' }) } as unknown as Core)
    return { stop: people.close }
  },
  'reservations that are over': ({ sweeper }) => untilAborted((signal) => sweeper.sweep(signal)),
  'mails that wait': sending,
  [TRIED_AGAIN]: sending,
}

function sending(home: Household): { stop(): Promise<unknown> } {
  const { log, sealer, derivationKeys: linkKeys, checkpoints, clock } = home
  const mailer = { send: async () => {}, close: async () => {} }
  const own = { log, sealer, linkKeys, mailer, checkpoints, clock, issuer: ISSUER, newId, onError: expect.unreachable }
  return untilAborted((signal) => openMailSending(own).run(signal))
}

function untilAborted(work: (signal: AbortSignal) => Promise<unknown>): { stop(): Promise<unknown> } {
  const stopping = new AbortController()
  const working = work(stopping.signal)
  return {
    stop() {
      stopping.abort()
      return working
    },
  }
}

it.each(Object.entries(READERS))('the reading of %s ends when the server stops', async (name, start) => {
  // Mails are tried again behind what is read first: that ends at once there.
  const { store, looks, end } = endlessStore((filter) => name !== TRIED_AGAIN || filter?.types !== undefined)
  const reader = start(await openHousehold({ store }))
  await vi.waitFor(() => expect(looks.made).toBeGreaterThan(0))
  end()
  await reader.stop()
  expect(looks.left).toBeGreaterThan(0)
})
