import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'

/** A secret that was used, by the name under which it is reported: a report must not tell it. */
export interface Secret {
  readonly name: string
  readonly bytes: Buffer
}

export const secretText = (name: string, text: string): Secret => ({ name, bytes: Buffer.from(text) })

/** The text itself, and the bytes that it is the base64url of. */
export const secretBase64 = (name: string, text: string): readonly Secret[] => [
  secretText(name, text),
  { name: `${name}, decoded`, bytes: Buffer.from(text, 'base64url') },
]

/** Base64 of bytes that stand anywhere in longer ones: what is the same whatever surrounds them, for each of 3 offsets. */
function base64Within(bytes: Buffer): readonly Buffer[] {
  return [0, 1, 2].map((offset) => {
    const text = Buffer.concat([Buffer.alloc(offset), bytes])
      .toString('base64')
      .replaceAll('=', '')
    const first = Math.ceil((offset * 8) / 6)
    const last = Math.floor(((offset + bytes.length) * 8) / 6)
    return Buffer.from(text.slice(first, last))
  })
}

/** Every form in which a secret would be found again. */
export function formsOf({ bytes }: Secret): readonly Buffer[] {
  const text = bytes.toString()
  const isText = Buffer.from(text).equals(bytes)
  const written = isText
    ? [JSON.stringify(text).slice(1, -1), encodeURIComponent(text)].map((each) => Buffer.from(each))
    : []
  const hex = bytes.toString('hex')
  const base64 = base64Within(bytes)
  const base64url = base64.map((each) => Buffer.from(each.toString().replaceAll('+', '-').replaceAll('/', '_')))
  return [bytes, Buffer.from(hex), Buffer.from(hex.toUpperCase()), ...base64, ...base64url, ...written]
}

/** Everything a folder stores: the bytes of its files, and the values in its databases, which may be split over pages. */
export function storedIn(folder: string, isLeftOut: (name: string) => boolean): ReadonlyMap<string, Buffer> {
  const stored = new Map<string, Buffer>()
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    if (!entry.isFile() || isLeftOut(path.slice(folder.length + 1))) continue
    stored.set(path, readFileSync(path))
    if (entry.name.endsWith('.db')) stored.set(`the rows of ${path}`, rowsOf(path))
  }
  return stored
}

function rowsOf(file: string): Buffer {
  const database = new Database(file, { readonly: true })
  try {
    const tables = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").pluck().all() as string[]
    const values = tables.flatMap((table) => database.prepare(`SELECT * FROM "${table}"`).raw().all() as unknown[][])
    return Buffer.concat(
      values.flat().map((value) => (Buffer.isBuffer(value) ? value : Buffer.from(`${String(value)}\n`))),
    )
  } finally {
    database.close()
  }
}

/** Which secrets are stored where, in words that do not tell them. */
export function traces(secrets: readonly Secret[], stored: ReadonlyMap<string, Buffer>): readonly string[] {
  return [...stored].flatMap(([place, content]) =>
    secrets
      .filter((secret) => formsOf(secret).some((form) => content.includes(form)))
      .map(({ name }) => `${name} in ${place}`),
  )
}
