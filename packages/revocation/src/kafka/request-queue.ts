// A static import, so that a bundler uses the same module instance as kafkajs.
// @ts-expect-error -- kafkajs has no types for what is inside it
import requestQueue from 'kafkajs/src/network/requestQueue/index.js'

interface RequestQueue {
  readonly pending: readonly unknown[]
  scheduleCheckPendingRequests(): void
}

const isClass = (value: unknown): value is { readonly prototype: RequestQueue } =>
  typeof value === 'function' && typeof value.prototype?.scheduleCheckPendingRequests === 'function'

/** Whether the patch is applied: once for the process. */
let isPatched = false

/**
 * Patches kafkajs 2.2.4 to check its pending requests only if there are some. It sets a timer after every response, for a time in the
 * past if nothing is pending, and Node 24 warns about that (tulios/kafkajs#1751). Suppressing the warning would suppress it for the
 * whole process, since Node emits it once.
 */
export function patchRequestQueue(): void {
  if (isPatched) return
  isPatched = true
  const found: unknown = requestQueue
  if (!isClass(found)) return
  const schedule = found.prototype.scheduleCheckPendingRequests
  found.prototype.scheduleCheckPendingRequests = function (this: RequestQueue) {
    if (this.pending.length > 0) schedule.call(this)
  }
}
