import { expect, it } from 'vitest'
import { forwardedFor } from './forwarded.ts'

it.each([
  ['for=192.0.2.60', '192.0.2.60'],
  ['For="192.0.2.60:4711"', '192.0.2.60'],
  ['for="[2001:db8:cafe::17]:4711"', '2001:db8:cafe::17'],
  ['for="[2001:db8:cafe::17]"', '2001:db8:cafe::17'],
  ['proto=https; for=192.0.2.60;by=203.0.113.43', '192.0.2.60'],
  ['for=192.0.2.43, for=198.51.100.17', '192.0.2.43'],
  ['by=10.0.0.1, for=198.51.100.17', undefined],
  ['for=unknown', undefined],
  ['for=_hidden', undefined],
  ['for=999.1.1.1', undefined],
  ['for=2001:db8::1', undefined],
  ['xfor=192.0.2.60', undefined],
  ['', undefined],
  [undefined, undefined],
])('%j is for %s', (header, address) => {
  expect(forwardedFor(header)).toBe(address)
})
