import { expect, it } from 'vitest'
import { preferredWait } from './prefer.ts'

it.each([
  [undefined, undefined],
  ['', undefined],
  ['respond-async', undefined],
  ['wait=5', 5],
  ['Wait = "5"', 5],
  ['respond-async, wait=3; foo=bar, wait=9', 3],
  ['wait=0', 0],
  ['wait=86400', 10],
  ['wait=-1', undefined],
  ['wait=1.5', undefined],
  ['wait', undefined],
  ['nowait=5', undefined],
])('RFC 7240 §4.3: %j asks for %j seconds', (header, seconds) => expect(preferredWait(header)).toBe(seconds))

it('takes the first of several headers', () => expect(preferredWait(['respond-async', 'wait=2'])).toBe(2))
