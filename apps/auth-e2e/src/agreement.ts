import { firstNotices, type Written } from './tape.ts'

/** In which way a topic does not say what the log says, in words; nothing when they agree. */
export function disagreements(endings: readonly string[], topic: readonly Written[]): readonly string[] {
  const place = new Map(endings.map((id, index) => [id, index]))
  const told = firstNotices(topic).map(({ id }) => id)
  const known = new Set(told)
  const missing = endings.filter((id) => !known.has(id)).map((id) => `${id} is in the log only`)
  const invented = told.filter((id) => !place.has(id)).map((id) => `${id} is in the topic only`)
  return [...missing, ...invented]
}

/** Notices that were written for the first time after one that stands behind them in the log. */
export function outOfOrder(endings: readonly string[], topic: readonly Written[]): readonly string[] {
  const place = new Map(endings.map((id, index) => [id, index]))
  let furthest = -1
  return firstNotices(topic)
    .filter(({ id }) => {
      const at = place.get(id) ?? -1
      const isBehind = at < furthest
      furthest = Math.max(furthest, at)
      return isBehind
    })
    .map(({ id, offset }) => `${id} at ${offset}`)
}
