import { hash } from 'node:crypto'

/** The namespace of Ledgate's event ids: random, never changes. */
const NAMESPACE = Buffer.from('6e1c9b0e5d0f4c2ab1f7a3d84e25c769', 'hex')

/**
 * The id of the event at `index` of a command: a UUIDv5 (RFC 9562 section 5.5) of both, so that a retried command produces the
 * same event ids.
 */
export function eventId(commandId: string, index: number): string {
  const name = Buffer.from(`${commandId}:${index}`)
  const hex = hash('sha1', Buffer.concat([NAMESPACE, name]), 'hex')
  const variant = ((parseInt(hex.slice(16, 18), 16) & 0x3f) | 0x80).toString(16)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-5${hex.slice(13, 16)}-${variant}${hex.slice(18, 20)}-${hex.slice(20, 32)}`
}
