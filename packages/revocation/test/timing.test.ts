import { expect, it } from 'vitest'
import {
  ANSWERED_WITHIN_MS,
  FAILOVER_AFTER_MS,
  HEARTBEAT_EVERY_MS,
  MAX_STALENESS_MS,
  SILENCE_MS,
} from '../src/feed/index.ts'

/** Heartbeats that may be late or lost without anybody noticing. */
const SPARE = 3

it('a reader waits for several heartbeats, and has tried both sources before it is stale', () => {
  expect(SILENCE_MS).toBeGreaterThanOrEqual(SPARE * HEARTBEAT_EVERY_MS)
  expect(FAILOVER_AFTER_MS).toBeGreaterThan(SILENCE_MS)
  expect(MAX_STALENESS_MS).toBeGreaterThanOrEqual(FAILOVER_AFTER_MS + SILENCE_MS + SPARE * HEARTBEAT_EVERY_MS)
})

it('an issuer answers before its reader gives up', () => {
  expect(ANSWERED_WITHIN_MS).toBeLessThan(SILENCE_MS)
})
