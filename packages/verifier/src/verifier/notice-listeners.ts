import type { Notice } from '@ledgate/revocation'
import type { Logger } from '../telemetry/index.ts'

export type NoticeListener = (notice: Notice, issuer: string) => void

/** Those who are told of each notice. One that throws does not keep the notice from the others. */
export class NoticeListeners {
  readonly #listeners = new Set<NoticeListener>()
  readonly #logger: Logger | undefined

  constructor(logger: Logger | undefined) {
    this.#logger = logger
  }

  /** @returns removes it. */
  add(listener: NoticeListener): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  notify(notice: Notice, issuer: string): void {
    for (const listener of [...this.#listeners]) {
      try {
        listener(notice, issuer)
      } catch (error) {
        this.#logger?.warn({ err: error }, 'a listener of onRevoked failed')
      }
    }
  }

  clear(): void {
    this.#listeners.clear()
  }
}
