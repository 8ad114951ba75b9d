import { AsyncLocalStorage } from 'node:async_hooks'
import { Unavailable, UnknownOutcome } from './errors.ts'

/** The reads of a decision could not be confirmed as current: the decision must restart from its first read. */
export class DecideAgain extends Unavailable {
  constructor(options?: ErrorOptions) {
    super('the reads of this decision are outdated and must be repeated', options)
  }
}

/** A running decision, as an event store sees it. */
export interface Decision {
  /** Whether it can restart: as long as none of its appends is written. */
  isOpen(): boolean
  /** Its result is returned only if every proof holds at its end; otherwise it restarts. A proof never rejects. */
  dependsOn(proof: () => Promise<boolean>): void
  /** Registers an append of the decision: once it is written, or may be, the decision does not restart. */
  writes<Result>(append: Promise<Result>): Promise<Result>
  /** Restarts the decision, even if the deciding code catches the error. @throws {DecideAgain} always. */
  restart(cause?: unknown): never
}

type Outcome<Result> = { readonly value: Result } | { readonly error: unknown }

/** The largest number of runs of a decision; each restart means that a different node answered. */
const MAX_RUNS = 8

const running = new AsyncLocalStorage<RunningDecision>()

/** The decision that this call is a part of; `undefined` once one of its appends is written: later calls are independent. */
export function decisionUnderWay(): Decision | undefined {
  const decision = running.getStore()
  return decision?.isOpen() ? decision : undefined
}

/** How often the decision that this call is a part of has restarted: each run appends different events. */
export const decisionRun = (): number => running.getStore()?.run ?? 0

/** Whether this call is a part of a decision, even of one whose appends are written. */
export const isDeciding = (): boolean => running.getStore()?.isOver() === false

/** Runs work that is shared by several decisions, or by none: its reads are independent of them. */
export const runOutsideDecision = <Result>(work: () => Result): Result => running.exit(work)

/**
 * Runs work that reads and decides, and returns its result, or its refusal, only if all its reads are proved to have been
 * current after this call: a node that no longer leads may have answered them, and then the work runs again. An append of
 * the decision is such a proof, because only the node that answered the reads before it can write it.
 *
 * A read outside of a decision is a decision of its own; inside, one proof covers all reads. A decision inside another one is
 * a part of it until an append is written; after that each is independent, and what is written is never decided again.
 *
 * @throws {Unavailable} when no result could be proved; nothing was written.
 * @throws {UnknownOutcome} when an append was written, and the reads beside it could not be proved.
 */
export async function runDecision<Result>(work: () => Promise<Result>): Promise<Result> {
  if (decisionUnderWay() !== undefined) return work()
  for (let run = 0; run < MAX_RUNS; run += 1) {
    const decision = new RunningDecision(run)
    const outcome = await running.run(decision, outcomeOf<Result>, work)
    const isProved = await decision.isProved(outcome)
    const isWritten = !decision.isOpen()
    decision.end()
    if (isProved) return valueOf(outcome)
    if (isWritten) throw new UnknownOutcome('the events were written, but the reads beside them could not be confirmed')
  }
  throw new Unavailable('the leader of the event store changed too often')
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

/** Whether an outcome reveals nothing of what was read, and so needs no proof. */
const needsNoProof = (outcome: Outcome<unknown>): boolean =>
  'error' in outcome && (outcome.error instanceof Unavailable || outcome.error instanceof UnknownOutcome)

/** Each introspection is a decision without appends, and on a single node without proofs: that case must be cheap. */
class RunningDecision implements Decision {
  /** How often it has restarted. */
  readonly run: number
  readonly #proofs: (() => Promise<boolean>)[] = []
  readonly #appends: Promise<unknown>[] = []
  #isWritten = false
  #isOver = false
  #mustRestart = false

  constructor(run: number) {
    this.run = run
  }

  isOpen(): boolean {
    return !this.#isWritten && !this.#isOver
  }

  isOver(): boolean {
    return this.#isOver
  }

  dependsOn(proof: () => Promise<boolean>): void {
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

  restart(cause?: unknown): never {
    this.#mustRestart = true
    throw new DecideAgain({ cause })
  }

  /** Whether its result may be returned. */
  isProved(outcome: Outcome<unknown>): boolean | Promise<boolean> {
    const hasNothingToProve = this.#appends.length === 0 && this.#proofs.length === 0
    return hasNothingToProve ? !this.#mustRestart : this.#prove(outcome)
  }

  /** Work that continues in the background is no longer a part of it. */
  end(): void {
    this.#isOver = true
  }

  async #prove(outcome: Outcome<unknown>): Promise<boolean> {
    await Promise.all(this.#appends)
    if (this.#mustRestart) return false
    if (needsNoProof(outcome)) return true
    const held = await Promise.all(this.#proofs.map((proof) => proof()))
    return held.every(Boolean)
  }
}
