import type { EventStore, ReadAllOptions } from '../../event-store.ts'
import { type Position, START } from '../../position.ts'
import { matchesFilter } from '../../stream-name.ts'

/**
 * A store as it would be if its log began at a mark: the rules of the contract then take as long, and count the same, on a server
 * that keeps what earlier runs wrote.
 */
export function since(store: EventStore, mark: Position): EventStore {
  const from = (after: Position | undefined): Position => (after === undefined || after === START ? mark : after)

  /** Every event is looked at: with a filter, nothing would tell that the mark was passed. */
  async function* backwards({ filter, max = Infinity, ...options }: ReadAllOptions) {
    let left = max
    for await (const event of store.readAll(options)) {
      if (left === 0 || event.position <= mark) return
      if (!matchesFilter(filter, event)) continue
      left -= 1
      yield event
    }
  }

  return {
    ...store,
    readAll: (options = {}) =>
      options.direction === 'backwards' && options.after !== START
        ? backwards(options)
        : store.readAll({ ...options, after: from(options.after) }),
    subscribe: (options = {}) => store.subscribe({ ...options, after: from(options.after) }),
  }
}
