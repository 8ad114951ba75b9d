import type { MessagePort } from 'node:worker_threads'
import type { Projector } from '@ledgate/eventsourcing'
import { messageOf } from './failure.ts'
import type { Call, Calls, Message, Method } from './remote-protocol.ts'

/** How often the other side learns how the projections are doing, in milliseconds; more often while nobody is served yet. */
const HEALTH_MS = 250
const EARLY_HEALTH_MS = 25

/** What a thread does about its projector. */
export interface Serving {
  /** Called when it was closed from the other side. */
  onClosed?(): Promise<void>
  /** Called when whoever reads the views found them damaged. */
  onDamage?(error: Error): void
}

/** For the projector of a thread: tells the other side what was thrown away. */
export const tellDiscarded =
  (port: MessagePort) =>
  (why: string): void =>
    port.postMessage({ kind: 'discarded', why } satisfies Message)

/** For the projector of a thread: tells the other side how its subscription fares. */
export const tellHeard = (port: MessagePort) => ({
  onUnheard: (error: unknown): void => port.postMessage({ kind: 'unheard', why: messageOf(error) } satisfies Message),
  onHeard: (): void => port.postMessage({ kind: 'heard' } satisfies Message),
})

/**
 * Lets another thread use a projector of this one. When it is closed from there, the port is left to
 * end, and with it the thread.
 */
export function serveProjector(port: MessagePort, projector: Projector, { onClosed, onDamage }: Serving = {}): void {
  const say = (message: Message) => port.postMessage(message)
  let said = ''
  let timer: NodeJS.Timeout
  const sayHealth = () => {
    const health = projector.health()
    clearTimeout(timer)
    timer = setTimeout(
      sayHealth,
      health.every(({ isServedLive }) => isServedLive) ? HEALTH_MS : EARLY_HEALTH_MS,
    ).unref()
    const text = JSON.stringify(health)
    if (text === said) return
    said = text
    say({ kind: 'health', health })
  }

  port.on('message', (call: Call) => {
    if (call.method === 'discard') return onDamage?.(new Error(...call.values))
    answer(projector, call).then(
      async (value) => {
        if (call.method === 'close') {
          clearTimeout(timer)
          await onClosed?.()
        } else sayHealth()
        say({ kind: 'answer', id: call.id, value })
        if (call.method === 'close') port.close()
      },
      (error: unknown) => say({ kind: 'error', id: call.id, message: messageOf(error) }),
    )
  })
  say({ kind: 'ready', health: projector.health() })
  sayHealth()
}

async function answer(
  projector: Projector,
  call: Exclude<Call, { method: 'discard' }>,
): Promise<ReturnType<Calls[Method]>> {
  switch (call.method) {
    case 'waitFor':
      return projector.waitFor(...call.values)
    case 'digest':
      return projector.digest(...call.values)
    case 'rebuild':
      return projector.rebuild(...call.values)
    case 'load':
      return projector.checkpoints.load(...call.values)
    case 'save':
      return projector.checkpoints.save(...call.values)
    case 'close':
      return projector.close()
  }
}
