/** Scheme, authority, path, and the rest: RFC 3986 appendix B, for what has an authority. */
const WITH_AUTHORITY = /^([A-Za-z][A-Za-z0-9+.-]*):\/\/([^/?#]*)([^?#]*)(.*)$/s

const DEFAULT_PORTS: Readonly<Record<string, string>> = { http: '80', https: '443' }

/** The host in lower case, and without a port that its scheme has anyway; what is before the host is left as it is. */
function normalizeAuthority(scheme: string, authority: string): string {
  const at = authority.lastIndexOf('@') + 1
  const host = authority.slice(at).toLowerCase()
  const port = /:(\d*)$/.exec(host)?.[1]
  const isDefault = port !== undefined && (port === '' || port === DEFAULT_PORTS[scheme])
  return authority.slice(0, at) + (isDefault ? host.slice(0, -port.length - 1) : host)
}

/**
 * A `resource` identifier (RFC 8707 §2) in the spelling by which it is compared: scheme and host in lower case, no default
 * port, and `/` for an empty path (RFC 3986 §6.2.2.1, §6.2.3). What has no authority, as a URN, is compared as it is.
 */
export function normalizeResource(resource: string): string {
  const [, scheme, authority, path, rest] = WITH_AUTHORITY.exec(resource) ?? []
  if (scheme === undefined || authority === undefined || rest === undefined) return resource
  const lower = scheme.toLowerCase()
  return `${lower}://${normalizeAuthority(lower, authority)}${path === '' ? '/' : path}${rest}`
}

/** Whether two identifiers name one resource server. */
export const isSameResource = (one: string, other: string): boolean =>
  one === other || normalizeResource(one) === normalizeResource(other)

/**
 * The spellings by which an identifier may have been registered, the likeliest first: as it is, normalized, and normalized
 * without its `/` when it has no other path.
 */
export function spellingsOf(resource: string): readonly string[] {
  const normal = normalizeResource(resource)
  const [, scheme, authority, path, rest] = WITH_AUTHORITY.exec(normal) ?? []
  const short = path === '/' ? [`${scheme}://${authority}${rest}`] : []
  return [...new Set([resource, normal, ...short])]
}
