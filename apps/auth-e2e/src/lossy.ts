import type { RevocationSource } from '@ledgate/verifier'
import { decodeJwt } from 'jose'

/** A source that loses the notices of what ended by these names, and hands on all the rest, heartbeats included. */
export const lossy = (source: RevocationSource, endedIds: readonly string[]): RevocationSource => ({
  name: source.name,
  async *open(opening) {
    for await (const items of source.open(opening))
      yield items.filter(({ jws }) => {
        const { sub_id } = decodeJwt<{ sub_id?: { id?: string } }>(jws)
        return !endedIds.includes(sub_id?.id ?? '')
      })
  },
})
