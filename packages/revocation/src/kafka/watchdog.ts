import { KafkaUnavailable } from './kafka-unavailable.ts'

/** How often the deadline is checked within its time. */
const LOOKS = 4

export interface Watchdog {
  /** Kafka has answered. */
  alive(): void
  /** Suspends the deadline while nothing is expected from Kafka. */
  rest(): void
  stop(): void
}

/** Fails if Kafka does not answer within the deadline: kafkajs itself may wait for ever. */
export function watchdog(deadlineMs: number, fail: (error: unknown) => void): Watchdog {
  let heardAt = performance.now()
  const timer = setInterval(() => {
    if (performance.now() - heardAt > deadlineMs)
      fail(new KafkaUnavailable(`Kafka did not answer for ${deadlineMs} ms`))
  }, deadlineMs / LOOKS)
  return {
    alive: () => void (heardAt = performance.now()),
    rest: () => void (heardAt = Number.POSITIVE_INFINITY),
    stop: () => clearInterval(timer),
  }
}
