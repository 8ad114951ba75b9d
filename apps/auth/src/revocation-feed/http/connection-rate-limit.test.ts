import { TooManyRequests } from '@ledgate/oauth'
import { describe, expect, it } from 'vitest'
import { createConnectionRateLimit } from './connection-rate-limit.ts'

describe('openings', () => {
  it('are so many at once, and then as many as the time lets in, for each resource server by itself', () => {
    let now = 0
    const opened = createConnectionRateLimit({ burst: 3, perSecond: 2, now: () => now })
    for (let count = 0; count < 3; count += 1) opened('orders')
    expect(() => opened('orders')).toThrow(TooManyRequests)
    opened('stock')
    now = 499
    expect(() => opened('orders')).toThrow(TooManyRequests)
    now = 500
    opened('orders')
    expect(() => opened('orders')).toThrow(TooManyRequests)
    now = 60_000
    for (let count = 0; count < 3; count += 1) opened('orders')
    expect(() => opened('orders')).toThrow(TooManyRequests)
  })
})
