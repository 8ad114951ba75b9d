import type { RecordedEvent } from '../../event.ts'
import type { EventStore, SubscribeOptions, SubscriptionMessage } from '../../event-store.ts'

/** A subscription that somebody listens to, and all that it said so far. */
export interface Listener {
  readonly messages: readonly SubscriptionMessage[]
  events(): readonly RecordedEvent[]
  /** Resolves when the condition holds; rejects when it does not hold in time or the subscription ended before. */
  until(condition: (listener: Listener) => boolean): Promise<void>
  /** Ends the subscription and waits for its end. */
  stop(): Promise<void>
}

const PATIENCE_MS = 30_000

/** Subscribes and keeps every message. */
export function listen(store: Pick<EventStore, 'subscribe'>, options: SubscribeOptions = {}): Listener {
  const messages: SubscriptionMessage[] = []
  const stopping = new AbortController()
  const checks = new Set<() => void>()
  let ended = false
  const check = (): void => checks.forEach((each) => each())

  const run = async (): Promise<void> => {
    try {
      for await (const message of store.subscribe({ ...options, signal: stopping.signal })) {
        messages.push(message)
        check()
      }
    } finally {
      ended = true
      check()
    }
  }
  const running = run()
  running.catch(() => undefined)

  const listener: Listener = {
    messages,
    events: () => messages.flatMap((message) => (message.kind === 'event' ? [message.event] : [])),
    until: (condition) =>
      new Promise((resolve, reject) => {
        const settle = (act: () => void): void => {
          clearTimeout(timer)
          checks.delete(look)
          act()
        }
        const look = (): void => {
          if (condition(listener)) settle(resolve)
          else if (ended) settle(() => reject(new Error(`the subscription ended after ${messages.length} messages`)))
        }
        const late = () => reject(new Error(`waited in vain: ${messages.length} messages came`))
        const timer = setTimeout(() => settle(late), PATIENCE_MS)
        checks.add(look)
        look()
      }),
    async stop() {
      stopping.abort()
      await running
    },
  }
  return listener
}

/** Whether the subscription has said that it caught up. */
export function isCaughtUp({ messages }: Listener): boolean {
  return messages.some(({ kind }) => kind === 'caughtUp')
}
