import type { FastifyRequest } from 'fastify'
import { expect, it } from 'vitest'
import { createSourceMemory, createRequestContext } from './request-context.ts'

const requests = createRequestContext({ key: Buffer.alloc(32, 5), newCommandId: () => 'c', proxies: ['127.0.0.1'] })

const request = (headers: Readonly<Record<string, string>>, remoteAddress = '127.0.0.1') =>
  ({ id: 'r', headers, socket: { remoteAddress } }) as unknown as FastifyRequest

const AGENT = 'curl/8.5'
const from = (address: string, agent = AGENT) =>
  requests.source(request({ 'x-forwarded-for': address, 'user-agent': agent }))

it('a port, brackets or another host of the /64 do not make another source', () => {
  const sources = ['203.0.113.9', '203.0.113.9:1', '203.0.113.9:65535', '::ffff:203.0.113.9'].map((text) => from(text))
  expect(new Set(sources.map(({ hash }) => hash)).size).toBe(1)
  const hosts = Array.from({ length: 50 }, (_, host) => from(`[2001:db8:1:2::${host.toString(16)}]:${host + 1}`))
  expect(new Set(hosts.map(({ hash }) => hash)).size).toBe(1)
  expect(from('2001:db8:1:3::1').hash).not.toBe(hosts[0]?.hash)
})

it('another agent is another source of the same network', () => {
  const [one, other] = [from('203.0.113.9'), from('203.0.113.9', 'Mozilla/5.0')]
  expect(one.hash).not.toBe(other.hash)
  expect(one.network).toBe(other.network)
  expect(from('203.0.113.10').network).not.toBe(one.network)
})

it('no address is in what is kept, whatever was sent as one', () => {
  for (const address of ['203.0.113.9:5150', '[2001:db8:1:2::3]:80', '203.0.113.9', 'my-own-name', '<script>'])
    expect(JSON.stringify(from(address))).not.toMatch(/113|:2:|::3|5150|my-own|script/)
})

it('a person that a backend speaks for is counted by the network of the person', () => {
  const forwarded = (text: string) => requests.forwardedSource(request({ forwarded: text, 'user-agent': AGENT }))
  expect(forwarded('for="192.0.2.60:4711"')).toEqual(forwarded('for=192.0.2.60'))
  expect(forwarded('for="[::ffff:192.0.2.60]"')).toEqual(forwarded('for=192.0.2.60'))
  expect(forwarded('for="[2001:db8:1:2::3]"')).toEqual(forwarded('for="[2001:db8:1:2::4]:80"'))
  expect(forwarded('for=unknown')).toEqual(requests.source(request({ 'user-agent': AGENT })))
})

it('of 3,000 requests with agents of 12 kB no more is kept than the memory of sources has room for', () => {
  const remembered = createSourceMemory()
  const own = createRequestContext({ key: Buffer.alloc(32, 5), newCommandId: () => 'c', remembered })
  for (let nth = 0; nth < 3_000; nth += 1) {
    const agent = `agent-of-a-long-name-${nth} ${'x'.repeat(12_000)}`
    own.of(request({ 'user-agent': agent }, '203.0.113.9'), { type: 'anonymous', id: '' })
    expect(remembered.bytes).toBeLessThanOrEqual(4 * 1024 * 1024)
  }
  expect(remembered.bytes).toBeGreaterThan(0)
})
