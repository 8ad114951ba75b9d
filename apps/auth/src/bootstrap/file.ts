import { readFile } from 'node:fs/promises'
import { ClientId, NewClientMetadata, NewResourceMetadata } from '@ledgate/oauth'
import { z } from 'zod'
import { usesSecret } from '../client/index.ts'
import { issueLines } from '../operator/refusal.ts'

/** A configured secret, of the characters of RFC 6749 appendix A.2. */
const ClientSecret = z
  .string()
  .min(1)
  .max(256)
  .regex(/^[\x20-\x7E]*$/, { error: 'has characters that no client secret has (RFC 6749 appendix A.2)' })

/** Characters of the shortest secret that nobody guesses before the limits on guessing stop them (RFC 6749 §10.10). */
const SHORTEST_SAFE_SECRET = 16

const Client = NewClientMetadata.safeExtend({
  client_id: ClientId,
  client_secret: ClientSecret.optional(),
}).superRefine(({ client_secret: secret, ...metadata }, context) => {
  const refuse = (message: string) => context.addIssue({ code: 'custom', path: ['client_secret'], message })
  const method = metadata.token_endpoint_auth_method
  if (usesSecret(metadata) && secret === undefined) refuse(`is needed by ${method}`)
  if (!usesSecret(metadata) && secret !== undefined) refuse(`has no meaning with ${method}`)
})

const Resource = NewResourceMetadata.safeExtend({
  client_id: ClientId.optional(),
  client_secret: ClientSecret.optional(),
})

const User = z.strictObject({
  email: z.email().max(254),
  password: z.string().min(8).max(1024),
  roles: z.array(z.string().min(1)).default([]),
  entitlements: z.array(z.string().min(1)).default([]),
})

type Path = readonly (string | number)[]

/** Where each name is given, so that two claims to one can be told. */
function claims({ clients, resources, users }: Entries): readonly (readonly [name: string, path: Path])[] {
  return [
    ...resources.flatMap(({ client_id, resource, scopes_supported: scopes }, index) => [
      ...(client_id === undefined ? [] : [[`client_id ${client_id}`, ['resources', index, 'client_id']] as const]),
      [`resource ${resource}`, ['resources', index, 'resource']] as const,
      ...scopes.map((scope, at) => [`scope ${scope}`, ['resources', index, 'scopes_supported', at]] as const),
    ]),
    ...clients.map(({ client_id }, index) => [`client_id ${client_id}`, ['clients', index, 'client_id']] as const),
    ...users.map(({ email }, index) => [`email ${email.toLowerCase()}`, ['users', index, 'email']] as const),
  ]
}

const Entries = z.strictObject({
  resources: z.array(Resource).default([]),
  clients: z.array(Client).default([]),
  users: z.array(User).default([]),
})
type Entries = z.infer<typeof Entries>

/** The file of `LEDGATE_BOOTSTRAP`: what there is from the first start on. */
export const BootstrapFile = Entries.superRefine((entries, context) => {
  const seen = new Set<string>()
  for (const [name, path] of claims(entries)) {
    if (seen.has(name)) context.addIssue({ code: 'custom', path: [...path], message: 'is in this file twice' })
    seen.add(name)
  }
})
export type BootstrapFile = z.infer<typeof BootstrapFile>

/** Where the file has a secret that somebody could guess; the secrets are not told. */
export function shortSecrets({ clients, resources }: BootstrapFile): readonly string[] {
  const short = (kind: string, entries: readonly { readonly client_secret?: string | undefined }[]) =>
    entries.flatMap(({ client_secret: secret }, index) =>
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
    throw new BootstrapError([`it is not JSON${place === undefined ? '' : ` (${place})`}`])
  }
}

/** @throws {BootstrapError} with everything that is wrong. */
export function parseBootstrap(text: string): BootstrapFile {
  const parsed = BootstrapFile.safeParse(parseJson(text))
  if (!parsed.success) throw new BootstrapError(issueLines(parsed.error))
  return parsed.data
}

export interface BootstrapReading {
  /** Refuses secrets that somebody could guess, which are only warned of otherwise. */
  readonly production: boolean
  /** Told of each thing that production would refuse. */
  warn(problem: string): void
}

/** @throws {BootstrapError} when the file cannot be read, or with everything that is wrong with it. */
export async function readBootstrap(path: string, { production, warn }: BootstrapReading): Promise<BootstrapFile> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
    throw new BootstrapError([`it cannot be read (${code})`], { cause: error })
  })
  const file = parseBootstrap(text)
  const short = shortSecrets(file)
  if (production && short.length > 0) throw new BootstrapError(short)
  for (const problem of short) warn(problem)
  return file
}
