const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]'])

/**
 * An address that keys may be taken from: https, or http on this very machine.
 * @throws {TypeError} for any other, for whoever can change the answer on its way makes tokens; and for one with credentials.
 */
export function secureUrl(address: string, allowInsecureRequests: boolean): URL {
  const url = URL.parse(address)
  // Neither is repeated: there may be a password in it, and `fetch` would quote it.
  if (url === null) throw new TypeError('not a URL')
  if (url.username !== '' || url.password !== '') throw new TypeError('a URL with a user or a password in it')
  const isSecure = url.protocol === 'https:' || (url.protocol === 'http:' && LOOPBACK.has(url.hostname))
  if (!isSecure && !(allowInsecureRequests && url.protocol === 'http:'))
    throw new TypeError(`not an https URL: ${address}`)
  return url
}
