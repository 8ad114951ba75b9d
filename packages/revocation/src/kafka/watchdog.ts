import { KafkaUnavailable } from './kafka-unavailable.ts'

/** How often a deadline is looked at within its time. */
const LOOKS = 4

export interface Watchdog {
  /** Kafka was heard of. */
  alive(): void
  /** Whoever waits for somebody else than Kafka says so. */
  rest(): void
  stop(): void
}

/** Fails when Kafka was not heard of for so long: kafkajs itself can wait for ever. */
export function watchdog(deadlineMs: number, fail: (error: unknown) => void): Watchdog {
  let heardAt = performance.now()
  const timer = setInterval(() => {
    if (performance.now() - heardAt > deadlineMs) fail(new KafkaUnavailable(`Kafka said nothing for ${deadlineMs} ms`))
  }, deadlineMs / LOOKS)
  return {
    alive: () => void (heardAt = performance.now()),
    rest: () => void (heardAt = Number.POSITIVE_INFINITY),
    stop: () => clearInterval(timer),
  }
}
