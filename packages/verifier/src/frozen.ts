const refuse = (): never => {
  throw new TypeError('a principal does not change')
}

/** A set that stays as it is: the one who gets it shares it with every other request of this token. */
export function frozenSet(values: Iterable<string>): ReadonlySet<string> {
  const set = new Set(values)
  return Object.freeze(Object.assign(set, { add: refuse, delete: refuse, clear: refuse }))
}

/** The same value, and nothing in it can be changed any more. */
export function deepFrozen<Value>(value: Value): Value {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  for (const member of Object.values(value)) deepFrozen(member)
  return Object.freeze(value)
}
