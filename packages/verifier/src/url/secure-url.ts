const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]'])

/**
 * A URL that keys may be fetched from: https, or http on loopback.
 *
 * @throws {TypeError} for any other, since anyone who can change the answer can forge tokens; and for one with credentials.
 */
export function secureUrl(address: string, allowInsecureRequests: boolean): URL {
  const url = URL.parse(address)
  // The message does not quote the URL, which may contain a password.
  if (url === null) throw new TypeError('not a URL')
  if (url.username !== '' || url.password !== '') throw new TypeError('the URL contains a user or a password')
  const isSecure = url.protocol === 'https:' || (url.protocol === 'http:' && LOOPBACK.has(url.hostname))
  if (!isSecure && !(allowInsecureRequests && url.protocol === 'http:'))
    throw new TypeError(`not an https URL: ${address}`)
  return url
}
