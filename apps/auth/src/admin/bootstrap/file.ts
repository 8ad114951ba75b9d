import { readFile } from 'node:fs/promises'
import { ClientId, isFittingAuthorization, MAX_AUTHORIZATION_BYTES } from '@ledgate/oauth'
import { z } from 'zod'
import { normalizeAddress, normalizeNewAddress } from '../../email-address/index.ts'
import { isPossiblePassword, lengthOf, MAX_PASSWORD, MIN_PASSWORD } from '../../password/index.ts'
import { ClientRegistration, usesSecret } from '../../client/index.ts'
import { ResourceRegistration } from '../../resource/index.ts'
import { issueLines, pathText } from '../commands/index.ts'

/** A configured secret, of the characters of RFC 6749 appendix A.2. */
const ClientSecret = z
  .string()
  .min(1)
  .max(256)
  .regex(/^[\x20-\x7E]*$/, { error: 'has characters that are not allowed in a client secret (RFC 6749 appendix A.2)' })

/** Characters of the shortest secret that no one guesses before the limits on guessing stop them (RFC 6749 §10.10). */
const SHORTEST_SAFE_SECRET = 16

const Client = ClientRegistration.safeExtend({
  client_id: ClientId,
  client_secret: ClientSecret.optional(),
}).superRefine(({ client_secret: secret, ...metadata }, context) => {
  const refuse = (message: string) => context.addIssue({ code: 'custom', path: ['client_secret'], message })
  const method = metadata.token_endpoint_auth_method
  if (usesSecret(metadata) && secret === undefined) refuse(`is needed by ${method}`)
  if (!usesSecret(metadata) && secret !== undefined) refuse(`has no meaning with ${method}`)
})

const Resource = ResourceRegistration.safeExtend({
  client_id: ClientId.optional(),
  client_secret: ClientSecret.optional(),
})

const User = z
  .strictObject({
    email: z.string().refine((text) => normalizeNewAddress(text) !== undefined, { error: 'is not an email address' }),
    password: z.string().refine((password) => isPossiblePassword(password) && lengthOf(password) >= MIN_PASSWORD, {
      error: `must be text of ${MIN_PASSWORD} to ${MAX_PASSWORD} characters`,
    }),
    roles: z.array(z.string().min(1)).default([]),
    entitlements: z.array(z.string().min(1)).default([]),
  })
  .refine((rights) => isFittingAuthorization(rights), {
    error: `roles and entitlements have more than ${MAX_AUTHORIZATION_BYTES} bytes together`,
  })

type Path = readonly (string | number)[]

/** The file as a whole: what its entries are is looked at one by one. */
const Lists = z.strictObject({
  resources: z.array(z.unknown()).default([]),
  clients: z.array(z.unknown()).default([]),
  users: z.array(z.unknown()).default([]),
})

/**
 * The file of `LEDGATE_BOOTSTRAP`: what there is from the first start on. In place of an entry that was applied once and could not be
 * any more there is nothing.
 */
export interface BootstrapFile {
  readonly resources: readonly (z.output<typeof Resource> | undefined)[]
  readonly clients: readonly (z.output<typeof Client> | undefined)[]
  readonly users: readonly (z.output<typeof User> | undefined)[]
}

/** An entry that is not taken, and by what it may be told again. */
export interface RefusedEntry {
  readonly kind: 'resource' | 'client' | 'user'
  /** What stands in the file; no one has looked at it. */
  readonly names: Readonly<Record<'client_id' | 'resource' | 'email', string | undefined>>
  readonly problems: readonly string[]
}

/** Where each name is given, so that two claims to one can be told. */
function claims({ clients, resources, users }: BootstrapFile): readonly (readonly [name: string, path: Path])[] {
  return [
    ...resources.flatMap((entry, index) => {
      if (entry === undefined) return []
      const { client_id, resource, scopes_supported: scopes } = entry
      return [
        ...(client_id === undefined ? [] : [[`client_id ${client_id}`, ['resources', index, 'client_id']] as const]),
        [`resource ${resource}`, ['resources', index, 'resource']] as const,
        ...scopes.map((scope, at) => [`scope ${scope}`, ['resources', index, 'scopes_supported', at]] as const),
      ]
    }),
    ...clients.flatMap((entry, index) =>
      entry === undefined ? [] : [[`client_id ${entry.client_id}`, ['clients', index, 'client_id']] as const],
    ),
    ...users.flatMap((entry, index) =>
      entry === undefined ? [] : [[`email ${normalizeAddress(entry.email)}`, ['users', index, 'email']] as const],
    ),
  ]
}

/** What is named twice. */
function repeated(file: BootstrapFile): string[] {
  const seen = new Set<string>()
  return claims(file).flatMap(([name, path]) => {
    if (!seen.has(name)) return (seen.add(name), [])
    return [`${pathText(path)}: is in this file twice`]
  })
}

const textIn = (value: unknown, name: string): string | undefined => {
  const member = z.looseObject({ [name]: z.string() }).safeParse(value)
  return member.success ? String(member.data[name]) : undefined
}

/** Reads a list one entry at a time; what is not taken is noted down. */
function entriesOf<Entry extends z.ZodType>(
  list: readonly unknown[],
  { kind, entry, refused }: { kind: RefusedEntry['kind']; entry: Entry; refused: RefusedEntry[] },
): (z.output<Entry> | undefined)[] {
  return list.map((value, index) => {
    const parsed = entry.safeParse(value)
    if (parsed.success) return parsed.data
    const problems = issueLines(parsed.error, [`${kind}s`, index])
    const [client_id, resource, email] = ['client_id', 'resource', 'email'].map((name) => textIn(value, name))
    refused.push({ kind, names: { client_id, resource, email }, problems })
    return undefined
  })
}

/** Where the file has a guessable secret; the secrets are not told. */
export function shortSecrets({ clients, resources }: BootstrapFile): readonly string[] {
  const short = (kind: string, entries: readonly ({ readonly client_secret?: string | undefined } | undefined)[]) =>
    entries.flatMap(({ client_secret: secret } = {}, index) =>
      secret !== undefined && secret.length < SHORTEST_SAFE_SECRET ? [`${kind}[${index}].client_secret`] : [],
    )
  return [...short('resources', resources), ...short('clients', clients)].map(
    (path) => `${path} has fewer than ${SHORTEST_SAFE_SECRET} characters`,
  )
}

/** Everything that is wrong with the bootstrap file, at once; no value of the file is in it. */
export class BootstrapError extends Error {
  readonly problems: readonly string[]

  constructor(problems: readonly string[], options?: ErrorOptions) {
    const list = problems.map((problem) => `  - ${problem}`).join('\n')
    super(`the bootstrap file has ${problems.length} problem(s):\n${list}`, options)
    this.name = 'BootstrapError'
    this.problems = problems
  }
}

/** A parser's message may quote the file: only the place is told. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    const place = /at position \d+/.exec(String(error))?.[0]
    throw new BootstrapError([`the file is not valid JSON${place === undefined ? '' : ` (${place})`}`])
  }
}

function parsedLists(text: string): { readonly file: BootstrapFile; readonly refused: readonly RefusedEntry[] } {
  const json = parseJson(text)
  const parsed = Lists.safeParse(json)
  // What else the file has is a problem, and does not hide those of its entries.
  const lists = Lists.loose().safeParse(json).data ?? { resources: [], clients: [], users: [] }
  const refused: RefusedEntry[] = []
  const file = {
    resources: entriesOf(lists.resources, { kind: 'resource', entry: Resource, refused }),
    clients: entriesOf(lists.clients, { kind: 'client', entry: Client, refused }),
    users: entriesOf(lists.users, { kind: 'user', entry: User, refused }),
  }
  const problems = [...(parsed.success ? [] : issueLines(parsed.error)), ...repeated(file)]
  if (problems.length > 0) throw new BootstrapError([...problems, ...refused.flatMap((each) => each.problems)])
  return { file, refused }
}

/** The file for a first start. @throws {BootstrapError} with everything that is wrong. */
export function parseBootstrap(text: string): BootstrapFile {
  const { file, refused } = parsedLists(text)
  if (refused.length > 0) throw new BootstrapError(refused.flatMap(({ problems }) => problems))
  return file
}

export interface BootstrapReading {
  /** Rejects guessable secrets, which otherwise only cause a warning. */
  readonly production: boolean
  /** Called with each problem that production, or a first start, would reject. */
  warn(problem: string): void
  /** Whether an entry was applied once, by whatever version: what became of it is no matter of the file any more. */
  wasApplied(entry: RefusedEntry): Promise<boolean>
}

/** @throws {BootstrapError} when the file cannot be read, or with everything that is wrong with what is new in it. */
export async function readBootstrap(
  path: string,
  { production, warn, wasApplied }: BootstrapReading,
): Promise<BootstrapFile> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
    throw new BootstrapError([`the file cannot be read (${code})`], { cause: error })
  })
  const { file, refused } = parsedLists(text)
  const wrong: string[] = []
  for (const entry of refused) {
    if (!(await wasApplied(entry))) wrong.push(...entry.problems)
    else for (const problem of entry.problems) warn(`${problem} (it was applied once, and stays as it is)`)
  }
  const short = shortSecrets(file)
  if (production) wrong.push(...short)
  if (wrong.length > 0) throw new BootstrapError(wrong)
  for (const problem of short) warn(problem)
  return file
}
