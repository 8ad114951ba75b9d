import type { NoticePublisher, Publication } from '@ledgate/revocation'

/** Sends a notice now and then, for a process whose turn it is not to send all of them. */
export interface LazyPublisher {
  /** Whether it is in the topic. */
  send(notice: Publication): Promise<boolean>
  close(): Promise<void>
}

/** A publisher that is opened when it is first needed, and anew after it failed. */
export function createLazyPublisher(open: () => NoticePublisher, onError: (error: unknown) => void): LazyPublisher {
  let publisher: NoticePublisher | undefined

  return {
    async send(notice) {
      const used = (publisher ??= open())
      try {
        await used.send([notice])
        return true
      } catch (error) {
        onError(error)
        if (publisher === used) publisher = undefined
        await used.close()
        return false
      }
    },
    async close() {
      await publisher?.close()
    },
  }
}
