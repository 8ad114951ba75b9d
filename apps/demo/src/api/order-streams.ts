import type { ServerResponse } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import { cutOffEvents } from '@ledgate/verifier/node'
import type { OrderEvent, Orders } from './orders.ts'

/** Changes of orders, as server-sent events, for every connected client. */
export interface OrderStreams {
  /** Sends everything from now on, until the reader leaves or the signal says that it may no longer read. */
  open(response: ServerResponse, ended: AbortSignal): void
  /** Ends all of them: the API stops. Waits a moment for readers to get what is on its way. */
  end(): Promise<void>
}

/** Bytes that a reader may be behind. What one does not take must not pile up here, so it is let go and may restart. */
const MOST_BEHIND = 256 * 1024

const GRACE_MS = 250

const textOf = ({ kind, order }: OrderEvent): string => `event: ${kind}\ndata: ${JSON.stringify(order)}\n\n`

export function orderStreams(orders: Pick<Orders, 'follow'>): OrderStreams {
  const open = new Map<ServerResponse, Promise<void>>()

  function send(response: ServerResponse, event: OrderEvent): void {
    // One that was cut off takes nothing any more, although its connection may be there for another second.
    if (response.writableEnded || response.destroyed) return
    response.write(textOf(event))
    if (response.writableLength > MOST_BEHIND) response.destroy()
  }

  return {
    open(response, ended) {
      // It closes once only: a reader that left while its token was looked at would be followed for ever.
      if (response.destroyed) return
      response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
      response.write(': orders\n\n') // at once, so that the reader knows it is let in
      const stop = orders.follow((event) => send(response, event))
      const closed = new Promise<void>((resolve) => response.once('close', resolve))
      open.set(response, closed)
      void closed.then(() => {
        stop()
        open.delete(response)
      })
      cutOffEvents(response, ended)
    },
    async end() {
      for (const response of open.keys()) response.end()
      await Promise.race([Promise.all(open.values()), pause(GRACE_MS, undefined, { ref: false })])
    },
  }
}
