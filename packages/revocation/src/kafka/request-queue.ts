// By a statement, so that a bundler takes in the very module that it takes in with kafkajs.
// @ts-expect-error -- kafkajs has no types for what is inside it
import requestQueue from 'kafkajs/src/network/requestQueue/index.js'

interface RequestQueue {
  readonly pending: readonly unknown[]
  scheduleCheckPendingRequests(): void
}

const isClass = (value: unknown): value is { readonly prototype: RequestQueue } =>
  typeof value === 'function' && typeof value.prototype?.scheduleCheckPendingRequests === 'function'

/** Whether it was mended: it is one for the process. */
let isMended = false

/**
 * Lets kafkajs 2.2.4 look at its waiting requests only when there are some. It sets a timer after every answer, for a
 * time in the past when nothing waits, of which Node 24 warns (tulios/kafkajs#1751). To silence the warning would silence
 * it for everybody: Node says it once.
 */
export function mendRequestQueue(): void {
  if (isMended) return
  isMended = true
  const found: unknown = requestQueue
  if (!isClass(found)) return
  const schedule = found.prototype.scheduleCheckPendingRequests
  found.prototype.scheduleCheckPendingRequests = function (this: RequestQueue) {
    if (this.pending.length > 0) schedule.call(this)
  }
}
