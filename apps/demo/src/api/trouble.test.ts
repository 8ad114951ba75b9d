import { FeedRefused } from '@ledgate/verifier/http'
import { describe, expect, it } from 'vitest'
import { type Trouble, troubleLog } from './trouble.ts'

function log() {
  const told: Trouble[] = []
  let now = 0
  const { warn } = troubleLog(
    (trouble) => told.push(trouble),
    () => now,
  )
  return { told, warn, pass: (ms: number) => (now += ms) }
}

describe('what the demo says of its verifier', () => {
  it('names the settings that are wrong when the issuer knows no such resource server', () => {
    const { told, warn } = log()
    warn({ err: new FeedRefused(401) }, 'the feed is in trouble')
    expect(told).toEqual([{ line: expect.stringMatching(/DEMO_CLIENT_ID.*DEMO_CLIENT_SECRET/), isFinal: true }])
  })

  it('is no reason to give up when the issuer is only away, or busy', () => {
    const { told, warn } = log()
    for (const err of [new FeedRefused(429), new TypeError('fetch failed')]) warn({ err }, 'the feed is in trouble')
    warn({}, 'a listener failed')
    expect(told.map(({ isFinal }) => isFinal)).toEqual([false, false, false])
    expect(told.map(({ line }) => line).slice(1)).toEqual(['the feed is in trouble: fetch failed', 'a listener failed'])
  })

  it('is said once, and again when it is still so a minute later', () => {
    const { told, warn, pass } = log()
    const again = () => ['fetch failed', 'it ended'].forEach((reason) => warn({ err: new Error(reason) }, 'trouble'))
    again()
    again()
    expect(told).toHaveLength(2)
    pass(60_000)
    again()
    expect(told).toHaveLength(4)
  })
})
