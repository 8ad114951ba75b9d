import fc from 'fast-check'
import { expect, it } from 'vitest'
import { networkOfPeer, parseNetwork, trustedProxies } from './network.ts'

it.each([
  ['192.0.2.60', '192.0.2.60'],
  ['192.0.2.60:4711', '192.0.2.60'],
  [' 192.0.2.60 ', '192.0.2.60'],
  ['"192.0.2.60:4711"', '192.0.2.60'],
  ['::ffff:192.0.2.60', '192.0.2.60'],
  ['::FFFF:c000:23c', '192.0.2.60'],
  ['0:0:0:0:0:ffff:192.0.2.60', '192.0.2.60'],
  ['[::ffff:192.0.2.60]:443', '192.0.2.60'],
  ['64:ff9b::192.0.2.60', '192.0.2.60'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:0DB8:0001:0002::', '2001:db8:1:2::/64'],
  ['[2001:db8:1:2::9]', '2001:db8:1:2::/64'],
  ['[2001:db8:1:2::9]:4711', '2001:db8:1:2::/64'],
  ['"[2001:db8:1:2::9]:4711"', '2001:db8:1:2::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['[fe80::1%25eth0]:80', 'fe80:0:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
])('%j is counted as %s', (text, key) => {
  expect(parseNetwork(text)?.key).toBe(key)
})

it.each([
  '',
  'unknown',
  '_hidden',
  '999.1.1.1',
  '010.1.1.1',
  '1.2.3',
  '1.2.3.4.5',
  '[1.2.3.4',
  '::1::',
  'a.example',
  '1',
])('%j is no address', (text) => {
  expect(parseNetwork(text)).toBeUndefined()
})

it('names no host in what is kept as text', () => {
  expect(parseNetwork('192.0.2.60:4711')?.text).toBe('192.0.0.0/16')
  expect(parseNetwork('[2001:db8:1:2::9]:4711')?.text).toBe('2001:db8::/32')
})

it('counts every address of a /64 as one source, however it is written', () => {
  const part = fc.integer({ min: 0, max: 0xff_ff }).map((group) => group.toString(16))
  fc.assert(
    fc.property(fc.array(part, { minLength: 4, maxLength: 4 }), fc.nat(65_535), (host, port) => {
      const address = `2001:db8:aa:bb:${host.join(':')}`
      for (const text of [address, `[${address}]`, `[${address}]:${port}`, `${address}%eth1`, address.toUpperCase()])
        expect(parseNetwork(text)?.key).toBe('2001:db8:aa:bb::/64')
    }),
  )
})

const isTrusted = trustedProxies(['127.0.0.1', '10.0.0.0/8', '2001:db8:feed::/48', '::ffff:172.16.0.1'])
const seen = (peer: string | undefined, forwarded?: string | string[]) => networkOfPeer(peer, forwarded, isTrusted).key

it.each([
  ['without a header', '127.0.0.1', undefined, '127.0.0.1'],
  ['through a proxy', '127.0.0.1', '203.0.113.9', '203.0.113.9'],
  ['through a proxy on a socket of both families', '::ffff:127.0.0.1', '203.0.113.9', '203.0.113.9'],
  ['with a port', '127.0.0.1', '203.0.113.9:5150', '203.0.113.9'],
  ['through several proxies, one of them with a port', '127.0.0.1', '203.0.113.9, 10.1.2.3:80', '203.0.113.9'],
  ['that puts hops of its own before', '127.0.0.1', '198.51.100.1, 203.0.113.9', '203.0.113.9'],
  ['in several headers', '127.0.0.1', ['198.51.100.1', '203.0.113.9'], '203.0.113.9'],
  ['that is no proxy and says so', '203.0.113.9', '198.51.100.1', '203.0.113.9'],
  ['behind an IPv6 proxy', '2001:db8:feed::1', '[2001:db8:1:2::3]:80', '2001:db8:1:2::/64'],
  ['behind a proxy that was given as a mapped address', '172.16.0.1', '203.0.113.9', '203.0.113.9'],
  ['that makes names up', '127.0.0.1', 'a-name-of-its-own', '127.0.0.1'],
  ['that makes names up behind two proxies', '127.0.0.1', 'nonsense, 10.9.9.9', '10.9.9.9'],
  ['with nothing in the header', '127.0.0.1', ' , ', '127.0.0.1'],
  ['of proxies alone', '127.0.0.1', '10.1.1.1', '10.1.1.1'],
  ['without an address', undefined, '203.0.113.9', 'unknown'],
])('a request %s is counted for whoever sent it', (_what, peer, forwarded, key) => {
  expect(seen(peer, forwarded)).toBe(key)
})

it('is the same source whatever a sender puts in front of its own address', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 200 }), (made) => {
      expect(seen('127.0.0.1', `${made}, 203.0.113.9`)).toBe('203.0.113.9')
    }),
  )
})
