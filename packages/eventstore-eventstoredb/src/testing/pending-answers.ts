import type { Limits } from './limits.ts'
import type { Member } from './member.ts'
import type { Timers } from './timers.ts'
import type { Refused, Written } from './writing.ts'

export type Answer = Written | Exclude<Refused, { kind: 'dropped' }> | { readonly kind: 'timeout' }

/** Requests that were written, or dropped, and are not answered yet (RequestManagerBase.cs). */
export interface PendingAnswers {
  /** Answers when readers see so many records, and with a timeout when that takes too long. */
  committed(at: Member, length: number, result: Written, answer: (answer: Answer) => void): void
  /** The repeat of what no majority has yet is dropped: nobody tells it when the first has got through. */
  never(at: Member, answer: (answer: Answer) => void): void
  /** Answers all of a node with a timeout: it does not lead any more. */
  fail(at: Member): void
  /** The process of a node has ended: nobody answers. */
  forget(at: Member): void
}

export function pendingAnswers({ commitTimeoutMs }: Limits, timers: Timers): PendingAnswers {
  const waiting = new Map<Member, Set<(answer: Answer) => void>>()

  function wait(at: Member, answer: (answer: Answer) => void, listen: (settle: (said: Answer) => void) => () => void) {
    const own = waiting.get(at) ?? new Set()
    waiting.set(at, own)
    const settle = (said: Answer): void => {
      if (!own.delete(settle)) return
      stopListening()
      stopClock()
      answer(said)
    }
    own.add(settle)
    const stopListening = listen(settle)
    const stopClock = timers.after(commitTimeoutMs, () => at.whenAwake(() => settle({ kind: 'timeout' })))
  }

  return {
    committed(at, length, result, answer) {
      if (at.committed >= length) answer(result)
      else wait(at, answer, (settle) => at.onCommit(length, () => settle(result)))
    },
    never: (at, answer) => wait(at, answer, () => () => undefined),
    fail(at) {
      for (const settle of [...(waiting.get(at) ?? [])]) settle({ kind: 'timeout' })
    },
    forget: (at) => void waiting.delete(at),
  }
}
