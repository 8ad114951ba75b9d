import { describe, expect, it } from 'vitest'
import { exportedValues, typeErrors } from '../src/examples.ts'

const SDK = 'packages/verifier'

describe('the docstrings of the SDK', () => {
  const values = exportedValues(SDK)

  it('have an example for each function, class and constant that an entry exports', () => {
    expect(values.length).toBeGreaterThan(20)
    expect(values.filter(({ examples }) => examples.length === 0).map(({ name }) => name)).toEqual([])
  })

  it('have examples that type-check', () => {
    expect(typeErrors(SDK, [...new Set(values.flatMap(({ examples }) => examples))])).toEqual([])
  })

  it('control: a mistake in an example is found', () => {
    const [error] = typeErrors(SDK, ["import { createVerifier } from '@ledgate/verifier'\ncreateVerifier({})\n"])
    expect(error).toMatch(/not assignable/)
  })
})
