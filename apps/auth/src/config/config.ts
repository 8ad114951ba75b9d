import { LEDGATE_ALGORITHMS } from '@ledgate/jws'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { LONGEST_TOKEN_CAP } from './longest-token-cap.ts'
import { isLimitName, largestOf, type Limits, limitsWith } from './limits.ts'
import { wholeNumber } from './whole-number.ts'
import { KafkaEnvironment, type KafkaSettings, kafkaSettings } from './kafka-settings.ts'

const DEFAULT_PORT = 4040

/** `on`, `off`, or limits that differ from their defaults: `login_free_failures=10,mail_per_address=3`. */
const RateLimits = z.string().transform((value, context): Limits | undefined => {
  if (value === 'off') return undefined
  const entries = value === 'on' ? [] : value.split(',').map((entry) => entry.trim().split('='))
  for (const [name = '', amount = ''] of entries)
    if (!isLimitName(name) || !/^[1-9][0-9]{0,9}$/.test(amount) || Number(amount) > largestOf(name))
      context.addIssue({ code: 'custom', message: 'must be on, off, or limits such as login_free_failures=10' })
  return limitsWith(Object.fromEntries(entries.map(([name, amount]) => [name, Number(amount)])))
})

/** Characters: what is told of an issuer names it, docs/revocation-notices.md. */
const MAX_ISSUER = 255

/** An issuer is compared character by character, so it has one spelling: an origin, nothing behind it. RFC 8414 §2. */
const Issuer = z
  .string()
  .max(MAX_ISSUER)
  .refine((value) => /^https?:/.test(value) && URL.parse(value)?.origin === value, {
    error: 'must be an origin such as https://id.example.com: no path, no trailing slash',
  })

/** 32 bytes as unpadded base64url. */
const MasterKey = z.string().regex(/^[A-Za-z0-9_-]{43}$/, { error: 'must be 32 bytes in base64url (43 characters)' })

/** Options of the mailer that print what it sends: links in emails are secrets. */
const PRINTING = ['logger', 'debug', 'transactionLog']

/** Where emails go; a password may be in it. */
const SmtpUrl = z
  .url({ protocol: /^smtps?$/ })
  .refine((value) => PRINTING.every((name) => !URL.parse(value)?.searchParams.has(name)), {
    error: `must not have the options ${PRINTING.join(', ')}: they would print emails`,
  })
  .refine(isDecodable, { error: 'has a user or a password that is not percent-encoded' })

function isDecodable(value: string): boolean {
  try {
    const { username = '', password = '' } = URL.parse(value) ?? {}
    return [username, password].every((each) => decodeURIComponent(each) !== undefined)
  } catch {
    return false
  }
}

/** A connection string of EventStoreDB's clients; a password may be in it. */
const EventStoreDBUrl = z.string().regex(/^esdb(\+discover)?:\/\/\S+$/, {
  error: 'must be a connection string such as esdb://user:password@host:2113?tls=true',
})

/** Every variable Ledgate reads, documented in docs/operations.md. */
export const Environment = z.strictObject({
  LEDGATE_HOST: z.string().min(1).default('127.0.0.1'),
  LEDGATE_PORT: wholeNumber(0, 65_535).default(DEFAULT_PORT),
  LEDGATE_ISSUER: Issuer.optional(),
  LEDGATE_DATA_DIR: z.string().min(1).default('data'),
  LEDGATE_BOOTSTRAP: z.string().min(1).optional(),
  LEDGATE_MASTER_KEY: MasterKey.optional(),
  LEDGATE_MASTER_KEY_FILE: z.string().min(1).optional(),
  LEDGATE_SMTP_URL: SmtpUrl.optional(),
  LEDGATE_MAIL_FROM: z.string().min(3).optional(),
  LEDGATE_TRUSTED_PROXIES: z
    .string()
    .default('')
    .transform((value) =>
      value
        .split(',')
        .map((entry) => entry.trim())
        .filter((entry) => entry !== ''),
    )
    .pipe(z.array(z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()]))),
  LEDGATE_SIGNING_ALG: z.enum(LEDGATE_ALGORITHMS).default('ES256'),
  LEDGATE_TOKEN_CAP: wholeNumber(60, LONGEST_TOKEN_CAP).default(3600),
  LEDGATE_RATE_LIMITS: RateLimits.prefault('on'),
  LEDGATE_LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
  LEDGATE_EVENTSTOREDB_URL: EventStoreDBUrl.optional(),
  LEDGATE_EVENTSTOREDB_WAIT: wholeNumber(0, 3_600).default(30),
  /** For the command that makes the user of the other one; the server has no use for it. */
  LEDGATE_EVENTSTOREDB_ADMIN_URL: EventStoreDBUrl.optional(),
  ...KafkaEnvironment,
})

/** What the server runs with. Durations are in seconds; paths are as given, relative to the working directory. */
export interface Config {
  readonly production: boolean
  readonly host: string
  readonly port: number
  readonly issuer: string
  readonly dataDir: string
  readonly bootstrap: string | undefined
  /**
   * The master key as configured, and behind it those that it takes the place of; none in development, where one is made
   * beside the data.
   */
  readonly masterKeys: readonly string[]
  /** The same, read again: the file may have changed. @throws {ConfigError} */
  readMasterKeys(): readonly string[]
  /** Where events and keys are kept instead of the data folder; a password may be in it. */
  readonly eventStoreDBUrl: string | undefined
  /** Seconds for which a start waits for that server. */
  readonly eventStoreDBWait: number
  /** Where what ends tokens is published; over HTTP alone when there is none. A password may be in it. */
  readonly kafka: KafkaSettings | undefined
  readonly smtpUrl: string | undefined
  readonly mailFrom: string
  readonly trustedProxies: readonly string[]
  /** What new signing keys are for. */
  readonly signingAlg: 'ES256' | 'EdDSA' | 'RS256'
  /** The longest life of any access token. */
  readonly tokenCap: number
  /** `undefined`: nothing is limited, for load tests. */
  readonly limits: Limits | undefined
  readonly logLevel: string
}

/** Everything that is wrong with the configuration, at once. */
export class ConfigError extends Error {
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(
      `the configuration has ${problems.length} problem(s):\n${problems.map((problem) => `  - ${problem}`).join('\n')}`,
    )
    this.name = 'ConfigError'
    this.problems = problems
  }
}

type Settings = z.output<typeof Environment>

const ours = (env: NodeJS.ProcessEnv) =>
  Object.fromEntries(Object.entries(env).filter(([name, value]) => name.startsWith('LEDGATE_') && value !== ''))

/** A zod issue as a line that names the setting, never its value. */
function problemsOf(error: z.ZodError): string[] {
  return error.issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => `${key} is not a setting of Ledgate`)
      : [`${issue.path[0] === undefined ? 'the environment' : String(issue.path[0])} ${issue.message}`],
  )
}

/** One key a line: the first wraps, those behind it were used before. */
function readKeyFile(path: string | undefined): { keys: readonly string[]; problem?: string } {
  if (path === undefined) return { keys: [] }
  try {
    const keys = readFileSync(path, 'utf8')
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '')
    return keys.length > 0 && keys.every((key) => MasterKey.safeParse(key).success)
      ? { keys }
      : { keys: [], problem: 'LEDGATE_MASTER_KEY_FILE does not hold 32 bytes in base64url' }
  } catch (error) {
    return { keys: [], problem: `LEDGATE_MASTER_KEY_FILE cannot be read (${(error as NodeJS.ErrnoException).code})` }
  }
}

/** The key that development made beside the data: known to whoever saw the data, so never good enough for production. */
function developmentKey(dataDir: string): string | undefined {
  try {
    return readFileSync(join(dataDir, 'master.key'), 'utf8').trim()
  } catch {
    return undefined // there is none, which is what production wants
  }
}

function productionProblems(settings: Settings, masterKeys: readonly string[]): string[] {
  const problems: string[] = []
  if (settings.LEDGATE_ISSUER === undefined) problems.push('LEDGATE_ISSUER is required in production')
  else if (!settings.LEDGATE_ISSUER.startsWith('https:')) problems.push('LEDGATE_ISSUER must be https in production')
  if (masterKeys.length === 0) problems.push('LEDGATE_MASTER_KEY or LEDGATE_MASTER_KEY_FILE is required in production')
  else if (masterKeys[0] === developmentKey(settings.LEDGATE_DATA_DIR))
    problems.push('LEDGATE_MASTER_KEY is the development key in the data folder; production needs its own')
  if (settings.LEDGATE_SMTP_URL === undefined) problems.push('LEDGATE_SMTP_URL is required in production')
  if (settings.LEDGATE_MAIL_FROM === undefined) problems.push('LEDGATE_MAIL_FROM is required in production')
  return problems
}

/**
 * The configuration of an environment.
 *
 * @throws {ConfigError} with every problem at once; no value of a setting is in it.
 */
export function readConfig(env: NodeJS.ProcessEnv = process.env): Config {
  const production = env['NODE_ENV'] === 'production'
  const parsed = Environment.safeParse(ours(env))
  if (!parsed.success) throw new ConfigError(problemsOf(parsed.error))
  const settings = parsed.data
  const file = readKeyFile(settings.LEDGATE_MASTER_KEY_FILE)
  const masterKeys = settings.LEDGATE_MASTER_KEY === undefined ? file.keys : [settings.LEDGATE_MASTER_KEY]
  const { kafka, problems: kafkaProblems } = kafkaSettings(settings, production)
  const problems = [
    ...kafkaProblems,
    ...(file.problem === undefined ? [] : [file.problem]),
    ...(settings.LEDGATE_MASTER_KEY !== undefined && settings.LEDGATE_MASTER_KEY_FILE !== undefined
      ? ['LEDGATE_MASTER_KEY and LEDGATE_MASTER_KEY_FILE are both set; one of them is enough']
      : []),
    ...(settings.LEDGATE_EVENTSTOREDB_URL !== undefined && settings.LEDGATE_ISSUER === undefined
      ? ['LEDGATE_ISSUER is required with LEDGATE_EVENTSTOREDB_URL: every replica serves the same issuer']
      : []),
    ...(production ? productionProblems(settings, masterKeys) : []),
  ]
  if (problems.length > 0) throw new ConfigError(problems)
  return {
    production,
    host: settings.LEDGATE_HOST,
    port: settings.LEDGATE_PORT,
    issuer: settings.LEDGATE_ISSUER ?? `http://127.0.0.1:${settings.LEDGATE_PORT}`,
    dataDir: settings.LEDGATE_DATA_DIR,
    bootstrap: settings.LEDGATE_BOOTSTRAP,
    masterKeys,
    readMasterKeys: () => readConfig(env).masterKeys,
    eventStoreDBUrl: settings.LEDGATE_EVENTSTOREDB_URL,
    eventStoreDBWait: settings.LEDGATE_EVENTSTOREDB_WAIT,
    kafka,
    smtpUrl: settings.LEDGATE_SMTP_URL,
    mailFrom: settings.LEDGATE_MAIL_FROM ?? 'Ledgate <no-reply@localhost>',
    trustedProxies: settings.LEDGATE_TRUSTED_PROXIES,
    signingAlg: settings.LEDGATE_SIGNING_ALG,
    tokenCap: settings.LEDGATE_TOKEN_CAP,
    limits: settings.LEDGATE_RATE_LIMITS,
    logLevel: settings.LEDGATE_LOG_LEVEL,
  }
}

/**
 * By whom the database user of Ledgate is made; nothing else has to be configured for that.
 *
 * @throws {ConfigError}
 */
export function readDatabaseUser(env: NodeJS.ProcessEnv = process.env): {
  readonly url: string
  readonly administratorUrl: string
} {
  const { LEDGATE_EVENTSTOREDB_URL, LEDGATE_EVENTSTOREDB_ADMIN_URL } = ours(env)
  const parsed = z
    .object({ LEDGATE_EVENTSTOREDB_URL: EventStoreDBUrl, LEDGATE_EVENTSTOREDB_ADMIN_URL: EventStoreDBUrl })
    .safeParse({ LEDGATE_EVENTSTOREDB_URL, LEDGATE_EVENTSTOREDB_ADMIN_URL })
  if (!parsed.success) throw new ConfigError(problemsOf(parsed.error))
  return {
    url: parsed.data.LEDGATE_EVENTSTOREDB_URL,
    administratorUrl: parsed.data.LEDGATE_EVENTSTOREDB_ADMIN_URL,
  }
}
