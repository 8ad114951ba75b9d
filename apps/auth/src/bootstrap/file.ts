import { readFileSync } from 'node:fs'
import { ClientId, ClientMetadata, ResourceMetadata } from '@ledgate/oauth'
import { z } from 'zod'

const secret = z.string().min(1).max(512)

/** A member of the file that is metadata but for a few names of its own. */
function entry<Own extends z.ZodRawShape, Metadata extends z.ZodType>(own: Own, metadata: Metadata) {
  const ours = z.object(own)
  return z.looseObject({}).transform((member, context) => {
    const rest = Object.fromEntries(Object.entries(member).filter(([name]) => !(name in own)))
    const [mine, theirs] = [ours.safeParse(member), metadata.safeParse(rest)]
    for (const { error } of [mine, theirs])
      error?.issues.forEach((issue) => context.addIssue({ ...issue, code: 'custom' }))
    return mine.success && theirs.success ? { ...mine.data, metadata: theirs.data } : z.NEVER
  })
}

/** What an installation starts with (`LEDGATE_BOOTSTRAP`). */
export const BootstrapFile = z.strictObject({
  resources: z.array(entry({ client_id: ClientId, client_secret: secret.optional() }, ResourceMetadata)).default([]),
  clients: z.array(entry({ client_id: ClientId, client_secret: secret.optional() }, ClientMetadata)).default([]),
  users: z
    .array(
      z.strictObject({
        email: z.string(),
        password: z.string(),
        roles: z.array(z.string()).default([]),
        entitlements: z.array(z.string()).default([]),
      }),
    )
    .default([]),
})
export type BootstrapFile = z.infer<typeof BootstrapFile>

/** Everything that is wrong with the file, at once, by the place it is at; no value is repeated. */
export class BootstrapError extends Error {
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(
      `LEDGATE_BOOTSTRAP has ${problems.length} problem(s):\n${problems.map((problem) => `  - ${problem}`).join('\n')}`,
    )
    this.name = 'BootstrapError'
    this.problems = problems
  }
}

function readJson(path: string): unknown {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    throw new BootstrapError([`the file cannot be read (${(error as NodeJS.ErrnoException).code})`])
  }
  try {
    return JSON.parse(text)
  } catch {
    throw new BootstrapError(['the file is not JSON']) // the parser's own message would quote it
  }
}

/** The file's content. @throws {BootstrapError} */
export function readBootstrapFile(path: string): BootstrapFile {
  const parsed = BootstrapFile.safeParse(readJson(path))
  if (parsed.success) return parsed.data
  throw new BootstrapError(
    parsed.error.issues.map(({ path: place, message }) => `${place.join('.') || 'the file'}: ${message}`),
  )
}
