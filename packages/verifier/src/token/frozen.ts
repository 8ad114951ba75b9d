const refuse = (): never => {
  throw new TypeError('a principal does not change')
}

const newSet = (values: Iterable<string>): ReadonlySet<string> =>
  Object.freeze(Object.assign(new Set(values), { add: refuse, delete: refuse, clear: refuse }))

const NOTHING = newSet([])

/** A set that stays as it is: the one who gets it shares it with every other request of this token, and maybe with others. */
export const frozenSet = (values: readonly string[]): ReadonlySet<string> =>
  values.length === 0 ? NOTHING : newSet(values)

/** The same value, and nothing in it can be changed any more. */
export function deepFrozen<Value>(value: Value): Value {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  for (const member of Object.values(value)) deepFrozen(member)
  return Object.freeze(value)
}
