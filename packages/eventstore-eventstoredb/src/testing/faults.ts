const REFUSALS = ['badRequest', 'invalidTransaction', 'eventTooLarge', 'streamDeleted'] as const
/** Why the server takes an append from nobody. */
export type Refusal = (typeof REFUSALS)[number]

export const isRefusal = (fault: Fault): fault is { readonly kind: Refusal } =>
  REFUSALS.some((kind) => kind === fault.kind)

/**
 * How a call may go wrong. `before` is before anything was done, `after` is when the log has it.
 *
 * - `silent`: no answer, ever. `lost`: done, and no answer.
 * - `late`: done at once, answered after some time (a commit that waited for the disk).
 * - `cut`: the connection breaks before anything was done; `cutAfter`: done, then it breaks.
 * - `halfClose`: the call ends with a good status and without its answer.
 * - `short`: a read ends with a good status after so many events.
 * - `notLeader`: refused, with the leader's address when the cluster has one (RpcExceptions.cs, LeaderInfo).
 * - `noLeader`: refused while the cluster elects (RpcExceptions.cs, NoLeaderInfo).
 * - `notReady`: refused while the node starts (RpcExceptions.cs, ServerNotReady).
 * - `timeout`: not known to the server itself (Streams.BatchAppend.cs: prepare and commit timeouts).
 * - `denied`: the user may not (RpcExceptions.cs, AccessDenied).
 * - `badRequest`, `invalidTransaction`, `eventTooLarge`, `streamDeleted`: an append is refused for what it is (Grpc/Status.cs).
 * - `slow`: some milliseconds between two messages of a read or subscription.
 * - `doubled`: every event of a read or subscription comes twice.
 */
export type Fault =
  | { readonly kind: 'silent' | 'lost' | 'cut' | 'cutAfter' | 'halfClose' | 'notLeader' | 'noLeader' | 'notReady' }
  | { readonly kind: 'timeout' | 'timeoutAfter' | 'denied' | 'doubled' }
  | { readonly kind: Refusal }
  | { readonly kind: 'late' | 'slow'; readonly ms: number }
  | { readonly kind: 'short'; readonly events: number }

export type Method = 'append' | 'read' | 'subscribe' | 'delete'

/** Which of the calls to come go wrong. */
export interface Faults {
  /** The next calls of this method, all of them unless told. */
  next(method: Method, fault: Fault, times?: number): void
  /** Every call as this function says. */
  decide(choose: ((method: Method) => Fault | undefined) | undefined): void
  clear(): void
}

export interface FaultSource extends Faults {
  take(method: Method): Fault | undefined
}

export function faults(): FaultSource {
  let planned: { readonly method: Method; readonly fault: Fault; left: number }[] = []
  let choose: ((method: Method) => Fault | undefined) | undefined
  return {
    next: (method, fault, times = Infinity) => void planned.push({ method, fault, left: times }),
    decide: (chooser) => void (choose = chooser),
    clear() {
      planned = []
      choose = undefined
    },
    take(method) {
      const found = planned.find((plan) => plan.method === method && plan.left > 0)
      if (found === undefined) return choose?.(method)
      found.left -= 1
      return found.fault
    },
  }
}
