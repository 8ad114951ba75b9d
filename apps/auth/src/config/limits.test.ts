import { expect, it } from 'vitest'
import { DEFAULT_LIMITS, figureOf, limitNames, limitsWith } from './limits.ts'

it('every limit is a figure of its own: to set one changes no other', () => {
  for (const name of limitNames) {
    const changed = limitsWith({ [name]: 7_777 })
    for (const each of limitNames) expect(figureOf(each, changed), each).toBe(each === name ? 7_777 : figureOf(each))
  }
})

it('every figure of the limits can be set', () => {
  const figures = Object.values(DEFAULT_LIMITS).flatMap((part) => Object.values(part))
  expect(limitNames).toHaveLength(figures.length)
})
