import { seldom } from './seldom.ts'

/** How a subscription to the log fares. */
export interface HearingState {
  /** Tries that failed, since this server began. */
  readonly failures: number
  /** Since when it has said nothing but that it failed; milliseconds since the epoch. */
  readonly since: number | undefined
  /** Why the last try failed. */
  readonly why: string | undefined
}

/** Whether one who follows the log hears it. */
export interface Hearing {
  /** For `onFailure` of a subscription. */
  failed(error: unknown): void
  /** The subscription said something. */
  heard(): void
  state(): HearingState
}

export interface HearingOptions {
  /** Milliseconds since the epoch. */
  nowMs(): number
  /** Called with the reason why the subscription failed: at once, and then once a minute while it lasts. */
  onUnheard(why: string): void
}

export function createHearing({ nowMs, onUnheard }: HearingOptions): Hearing {
  const say = seldom(nowMs, onUnheard)
  let failures = 0
  let broken: { readonly since: number; readonly why: string } | undefined
  return {
    failed(error) {
      const why = error instanceof Error ? error.message : String(error)
      failures += 1
      broken = { since: broken?.since ?? nowMs(), why }
      say(why)
    },
    heard: () => void (broken = undefined),
    state: () => ({ failures, since: broken?.since, why: broken?.why }),
  }
}
