import type { MessagePort } from 'node:worker_threads'
import type { Projector } from '@ledgate/eventsourcing'
import { messageOf } from './failure.ts'
import type { Call, Calls, Message, Method } from './remote-protocol.ts'

/** Milliseconds between two health reports; more frequent until every served build is live. */
const HEALTH_MS = 250
const EARLY_HEALTH_MS = 25

/** What the thread does when the other side closes or discards its projector. */
export interface Serving {
  /** Called when the other side closed the projector. */
  onClosed?(): Promise<void>
  /** Called when a reader of the views found them damaged. */
  onDamage?(error: Error): void
}

/** For the projector of a thread: reports to the other side what was discarded. */
export const tellDiscarded =
  (port: MessagePort) =>
  (why: string): void =>
    port.postMessage({ kind: 'discarded', why } satisfies Message)

/** For the projector of a thread: reports to the other side when its subscription fails and recovers. */
export const tellHeard = (port: MessagePort) => ({
  onUnheard: (error: unknown): void => port.postMessage({ kind: 'unheard', why: messageOf(error) } satisfies Message),
  onHeard: (): void => port.postMessage({ kind: 'heard' } satisfies Message),
})

/**
 * Lets another thread use a projector of this one. When the other side closes it, the port is closed, which ends the thread.
 */
export function serveProjector(port: MessagePort, projector: Projector, { onClosed, onDamage }: Serving = {}): void {
  const send = (message: Message) => port.postMessage(message)
  let sent = ''
  let timer: NodeJS.Timeout
  const sendHealth = () => {
    const health = projector.health()
    clearTimeout(timer)
    timer = setTimeout(
      sendHealth,
      health.every(({ isServedLive }) => isServedLive) ? HEALTH_MS : EARLY_HEALTH_MS,
    ).unref()
    const text = JSON.stringify(health)
    if (text === sent) return
    sent = text
    send({ kind: 'health', health })
  }

  port.on('message', (call: Call) => {
    if (call.method === 'discard') return onDamage?.(new Error(...call.values))
    answer(projector, call).then(
      async (value) => {
        if (call.method === 'close') {
          clearTimeout(timer)
          await onClosed?.()
        } else sendHealth()
        send({ kind: 'answer', id: call.id, value })
        if (call.method === 'close') port.close()
      },
      (error: unknown) => send({ kind: 'error', id: call.id, message: messageOf(error) }),
    )
  })
  send({ kind: 'ready', health: projector.health() })
  sendHealth()
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
