import { BlockList, isIPv4, isIPv6 } from 'node:net'

/** Where a request came from, as far as limits and events may know it. */
export interface Network {
  /** One spelling of the host or network that is counted: an IPv4 address, or the /64 of an IPv6 one. */
  readonly key: string
  /** Too coarse to name a user: the /16 of an IPv4 address, the /32 of an IPv6 one. */
  readonly text: string
}

/** An address in one spelling: four numbers, or eight groups. */
type Address = readonly [4, readonly number[]] | readonly [6, readonly number[]]

/** Longer than any address with its brackets, zone and port. */
const LONGEST = 100

const numbersOf = (text: string): number[] => text.split('.').map(Number)

/** The eight groups of a valid IPv6 address. */
function groupsOf(text: string): number[] {
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(text)
  const [, head = '', ...bytes] = dotted ?? []
  const [a = 0, b = 0, c = 0, d = 0] = bytes.map(Number)
  const plain = dotted ? `${head}${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}` : text
  const [before = '', after] = plain.split('::')
  const groups = (part: string) => (part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16)))
  const [left, right] = [groups(before), groups(after ?? '')]
  return after === undefined ? left : [...left, ...Array<number>(8 - left.length - right.length).fill(0), ...right]
}

/** The IPv4 address inside an IPv6 one: mapped (RFC 4291 §2.5.5.2), or translated by the well-known prefix (RFC 6052 §2.1). */
function embedded(groups: readonly number[]): Address | undefined {
  const [prefix, [high = 0, low = 0]] = [groups.slice(0, 6).join(':'), groups.slice(6)]
  const isEmbedded = prefix === `0:0:0:0:0:${0xff_ff}` || prefix === `${0x64}:${0xff_9b}:0:0:0:0`
  return isEmbedded ? [4, [high >> 8, high & 0xff, low >> 8, low & 0xff]] : undefined
}

/** Without quotes, brackets, port and zone. */
function bare(text: string): string {
  const unquoted = /^"(.*)"$/.exec(text)?.[1] ?? text
  const [, bracketed] = /^\[([^\]]*)\](?::\d{1,5})?$/.exec(unquoted) ?? []
  const [, withPort] = /^([\d.]+):\d{1,5}$/.exec(unquoted) ?? []
  return (bracketed ?? withPort ?? unquoted).replace(/%.*$/, '')
}

function parseAddress(text: string): Address | undefined {
  const address = bare(text.slice(0, LONGEST).trim())
  if (isIPv4(address)) return [4, numbersOf(address)]
  if (!isIPv6(address)) return undefined
  const groups = groupsOf(address)
  return embedded(groups) ?? [6, groups]
}

const hex = (groups: readonly number[]) => groups.map((group) => group.toString(16)).join(':')

const networkOf = ([family, parts]: Address): Network =>
  family === 4
    ? { key: parts.join('.'), text: `${parts.slice(0, 2).join('.')}.0.0/16` }
    : { key: `${hex(parts.slice(0, 4))}::/64`, text: `${hex(parts.slice(0, 2))}::/32` }

/** What is not an address is one network, whatever it says. */
export const UNKNOWN_NETWORK: Network = { key: 'unknown', text: 'unknown' }

/** The network of an address, with or without quotes, brackets, port or zone; `undefined` when it is not one. */
export function parseNetwork(text: string): Network | undefined {
  const address = parseAddress(text)
  return address && networkOf(address)
}

/** Tells proxies that may say where a request came from. */
export type TrustedProxies = (address: Address) => boolean

/** @param proxies addresses and networks in CIDR notation. */
export function trustedProxies(proxies: readonly string[]): TrustedProxies {
  const list = new BlockList()
  for (const proxy of proxies) {
    const [start = '', length] = proxy.split('/')
    const address = parseAddress(start)
    if (address === undefined) continue
    const family = isIPv4(start) ? 'ipv4' : 'ipv6'
    if (length !== undefined) list.addSubnet(start, Number(length), family)
    else list.addAddress(spelled(address), address[0] === 4 ? 'ipv4' : 'ipv6')
  }
  return (address) => list.check(spelled(address), address[0] === 4 ? 'ipv4' : 'ipv6')
}

const spelled = ([family, parts]: Address): string => (family === 4 ? parts.join('.') : hex(parts))

/**
 * The network of the sender of a request: the nearest hop that is no trusted proxy, read from the connection and then from
 * the end of `X-Forwarded-For`. What is no address there ends the search: its sender is the proxy that passed it on.
 */
export function networkOfPeer(
  peer: string | undefined,
  forwardedFor: string | readonly string[] | undefined,
  isTrusted: TrustedProxies,
): Network {
  let here = parseAddress(peer ?? '')
  if (here === undefined) return UNKNOWN_NETWORK
  const hops = [forwardedFor ?? []].flat().join(',').split(',')
  while (hops.length > 0 && isTrusted(here)) {
    const before = parseAddress(hops.pop() ?? '')
    if (before === undefined) break
    here = before
  }
  return networkOf(here)
}
