const refuse = (): never => {
  throw new TypeError('a principal cannot be changed')
}

const newSet = (values: Iterable<string>): ReadonlySet<string> =>
  Object.freeze(Object.assign(new Set(values), { add: refuse, delete: refuse, clear: refuse }))

const EMPTY = newSet([])

/** A set that cannot be changed: it is shared by all requests with the token, and maybe by other tokens. */
export const frozenSet = (values: readonly string[]): ReadonlySet<string> =>
  values.length === 0 ? EMPTY : newSet(values)

/** Freezes a value and everything in it. */
export function deepFreeze<Value>(value: Value): Value {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  for (const member of Object.values(value)) deepFreeze(member)
  return Object.freeze(value)
}
