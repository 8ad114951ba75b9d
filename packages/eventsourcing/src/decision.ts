import { AsyncLocalStorage } from 'node:async_hooks'
import { Unavailable, UnknownOutcome } from './errors.ts'

/** Whoever answered what a decision stands on does not vouch for it: the decision is to be made again, from its first read on. */
export class DecideAgain extends Unavailable {
  constructor(options?: ErrorOptions) {
    super('what was read has to be read again', options)
  }
}

/** A decision that is under way, as a store sees it. */
export interface Decision {
  /** Whether it can be made again: as long as nothing that it appended is written. */
  isOpen(): boolean
  /** What comes of it is given when every proof holds at its end; otherwise it is made again. A proof never rejects. */
  standsOn(proof: () => Promise<boolean>): void
  /** An append of it: once it is written, or may be, the decision is not made again. */
  writes<Result>(append: Promise<Result>): Promise<Result>
  /** @throws {DecideAgain} always. The decision is made again even if whoever decides hides it. */
  again(cause?: unknown): never
}

type Outcome<Result> = { readonly value: Result } | { readonly error: unknown }

/** How often a decision is made at most: each time another node answers. */
const MAX_RUNS = 8

const running = new AsyncLocalStorage<Deciding>()

/** The decision of which this call is a part, unless something that it appended is written: what follows stands for itself. */
export function decisionUnderWay(): Decision | undefined {
  const decision = running.getStore()
  return decision?.isOpen() ? decision : undefined
}

/** How often the decision of which this call is a part was made before: what it appends now is something else than then. */
export const runOfDecision = (): number => running.getStore()?.run ?? 0

/** Whether this call is a part of a decision, also of one of which something is written. */
export const isDeciding = (): boolean => running.getStore()?.isOver() === false

/** Does work for several decisions, or for none: what it reads stands for itself. */
export const apartFromDecisions = <Result>(work: () => Result): Result => running.exit(work)

/**
 * Reads and decides, and gives the answer or the refusal only when all that was read was current after this call: a store may
 * have been answered by a node that did not lead any more, and then everything is read and decided again. An append of
 * the decision is such a proof, and written only by whoever answered the reads before it.
 *
 * A read outside of a decision is a decision by itself. Inside, one proof serves all. A decision inside of another is a
 * part of it, until something is written; from then on each stands for itself, and nothing that is written is decided anew.
 *
 * @throws {Unavailable} when no answer came that could be proved; nothing was written.
 * @throws {UnknownOutcome} when something was written, and what was read beside it could not be proved.
 */
export async function decided<Result>(work: () => Promise<Result>): Promise<Result> {
  if (decisionUnderWay() !== undefined) return work()
  for (let run = 0; run < MAX_RUNS; run += 1) {
    const decision = new Deciding(run)
    const outcome = await running.run(decision, outcomeOf<Result>, work)
    const isProved = await decision.isProved(outcome)
    const isWritten = !decision.isOpen()
    decision.end()
    if (isProved) return valueOf(outcome)
    if (isWritten) throw new UnknownOutcome('what came of it cannot be told now')
  }
  throw new Unavailable('whoever leads the event store changed too often')
}

async function outcomeOf<Result>(work: () => Promise<Result>): Promise<Outcome<Result>> {
  try {
    return { value: await work() }
  } catch (error) {
    return { error }
  }
}

function valueOf<Result>(outcome: Outcome<Result>): Result {
  if ('error' in outcome) throw outcome.error
  return outcome.value
}

/** Whether an outcome says nothing of what was read. */
const saysNothing = (outcome: Outcome<unknown>): boolean =>
  'error' in outcome && (outcome.error instanceof Unavailable || outcome.error instanceof UnknownOutcome)

/** Each introspection is a decision that appends nothing and, on a single node, needs no proof: that one costs next to nothing. */
class Deciding implements Decision {
  /** How often it was made before. */
  readonly run: number
  readonly #proofs: (() => Promise<boolean>)[] = []
  readonly #appends: Promise<unknown>[] = []
  #isWritten = false
  #isOver = false
  #isAgain = false

  constructor(run: number) {
    this.run = run
  }

  isOpen(): boolean {
    return !this.#isWritten && !this.#isOver
  }

  isOver(): boolean {
    return this.#isOver
  }

  standsOn(proof: () => Promise<boolean>): void {
    this.#proofs.push(proof)
  }

  writes<Result>(append: Promise<Result>): Promise<Result> {
    const written = append.then(
      () => void (this.#isWritten = true),
      (error: unknown) => void (this.#isWritten ||= error instanceof UnknownOutcome),
    )
    this.#appends.push(written)
    return written.then(() => append)
  }

  again(cause?: unknown): never {
    this.#isAgain = true
    throw new DecideAgain({ cause })
  }

  /** Whether what came of it may be given. */
  isProved(outcome: Outcome<unknown>): boolean | Promise<boolean> {
    const hasNothingToProve = this.#appends.length === 0 && this.#proofs.length === 0
    return hasNothingToProve ? !this.#isAgain : this.#prove(outcome)
  }

  /** What goes on in the background is no part of it any more. */
  end(): void {
    this.#isOver = true
  }

  async #prove(outcome: Outcome<unknown>): Promise<boolean> {
    await Promise.all(this.#appends)
    if (this.#isAgain) return false
    if (saysNothing(outcome)) return true
    const held = await Promise.all(this.#proofs.map((proof) => proof()))
    return held.every(Boolean)
  }
}
