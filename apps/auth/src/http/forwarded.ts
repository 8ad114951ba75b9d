import { isIP } from 'node:net'

/** `for=` of the first element, with or without a port: an IPv4 address, or an IPv6 one in quotes and brackets. */
const FIRST_FOR = /^[^,]*?(?:^|;)\s*for=(?:"\[([0-9a-f:.]+)\](?::\d{1,5})?"|"?([0-9.]+)(?::\d{1,5})?"?)\s*(?:[;,]|$)/i

/** The address that a `Forwarded` header says a request is for, RFC 7239 §4; `undefined` when it says none. */
export function forwardedFor(header: string | undefined): string | undefined {
  const [, six, four] = FIRST_FOR.exec(header?.slice(0, 500) ?? '') ?? []
  const address = six ?? four
  return address !== undefined && isIP(address) > 0 ? address : undefined
}
