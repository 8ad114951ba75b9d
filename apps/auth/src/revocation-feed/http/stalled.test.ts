import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import { endStalled } from './stalled.ts'

/** A server that says something every few milliseconds to whoever reads, and a reader of it. */
async function reading(limits: { stalledMs: number; drainedMs: number }) {
  const draining = new AbortController()
  let isOver = false
  const server = createServer((_request, response) => {
    endStalled(response, draining.signal, limits)
    const timer = setInterval(() => response.write('x'.repeat(256 * 1024)), 5)
    response.once('close', () => {
      clearInterval(timer)
      isOver = true
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const reader: Socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  reader.on('error', () => {})
  reader.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n')
  await once(reader, 'readable')
  onTestFinished(() => {
    reader.destroy()
    server.closeAllConnections()
    server.close()
  })
  const over = async (withinMs: number): Promise<boolean> => {
    for (const late = performance.now() + withinMs; !isOver && performance.now() < late;) await pause(5)
    return isOver
  }
  return { reader, over, drain: () => draining.abort() }
}

const NEVER = 1_000_000

describe('a reader of a stream', () => {
  it('that no longer reads is closed, though it stays connected', async () => {
    const { over } = await reading({ stalledMs: 200, drainedMs: NEVER })
    expect(await over(10_000)).toBe(true)
  })

  it('that takes what comes is not', async () => {
    const { reader, over } = await reading({ stalledMs: 1_000, drainedMs: NEVER })
    reader.resume()
    expect(await over(3_000)).toBe(false)
  })

  it('that takes nothing does not hold up the end of the server', async () => {
    const { over, drain } = await reading({ stalledMs: NEVER, drainedMs: 100 })
    expect(await over(500)).toBe(false)
    drain()
    expect(await over(10_000)).toBe(true)
  })
})
