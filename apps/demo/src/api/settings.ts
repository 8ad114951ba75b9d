import { z } from 'zod'

const Port = z
  .string()
  .refine((value) => /^\d{1,5}$/.test(value) && Number(value) <= 65_535, { error: 'must be a port, from 0 to 65535' })
  .transform(Number)

const LOOPBACK: readonly string[] = ['127.0.0.1', '[::1]', 'localhost']

function isIssuer(value: string): boolean {
  const url = URL.parse(value)
  if (url?.origin !== value) return false
  return url.protocol === 'https:' || (url.protocol === 'http:' && LOOPBACK.includes(url.hostname))
}

const Issuer = z.string().refine(isIssuer, {
  error: 'must be an https origin such as https://id.example.com, without a path; http on this machine only',
})

/** `host:port`, one or more, comma separated. */
const Brokers = z
  .string()
  .transform((value) => value.split(',').map((broker) => broker.trim()))
  .refine((brokers) => brokers.every((broker) => /^([\w.-]+|\[[0-9a-f:]+\]):\d{1,5}$/.test(broker)), {
    error: 'must be brokers such as kafka-1:9092,kafka-2:9092',
  })

const Settings = z.strictObject({
  DEMO_PORT: Port.default(4050),
  DEMO_AUDIENCE: z.url({ error: 'must be a URL: the resource that tokens are for' }).default('https://orders.example/'),
  DEMO_CLIENT_ID: z.string().default('orders-api'),
  DEMO_CLIENT_SECRET: z.string().default('demo-only-orders-api-secret'),
  LEDGATE_PORT: Port.default(4040),
  LEDGATE_ISSUER: Issuer.optional(),
  LEDGATE_KAFKA_BROKERS: Brokers.optional(),
})

/** What the orders API runs with. */
export interface DemoSettings {
  readonly port: number
  readonly issuer: string
  readonly audience: string
  /** What the orders API proves itself with, to read what has ended. */
  readonly clientId: string
  readonly clientSecret: string
  /** Where revocations come from first; over HTTP alone when there are none. Spoken to in the clear, without credentials. */
  readonly brokers: readonly string[] | undefined
}

/** Everything that is wrong with the settings, at once: by their names, without their values. */
export class SettingsError extends Error {
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(`the settings have ${problems.length} problem(s):\n${problems.map((problem) => `  - ${problem}`).join('\n')}`)
    this.name = 'SettingsError'
    this.problems = problems
  }
}

/** Our own, and those of the server that are about us, too. One that is empty is one that is not there. */
const ours = (env: NodeJS.ProcessEnv) =>
  Object.fromEntries(
    Object.entries(env).filter(
      ([name, value]) => value !== '' && (name.startsWith('DEMO_') || Object.hasOwn(Settings.shape, name)),
    ),
  )

const problemsOf = (error: z.ZodError): readonly string[] =>
  error.issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((name) => `${name} is not a setting of the demo`)
      : [`${String(issue.path[0])} ${issue.message}`],
  )

/** What the demo runs with: what `npm start` does, unless told. @throws {SettingsError} */
export function readSettings(env: NodeJS.ProcessEnv): DemoSettings {
  const parsed = Settings.safeParse(ours(env))
  if (!parsed.success) throw new SettingsError(problemsOf(parsed.error))
  const settings = parsed.data
  return {
    port: settings.DEMO_PORT,
    issuer: settings.LEDGATE_ISSUER ?? `http://127.0.0.1:${settings.LEDGATE_PORT}`,
    audience: settings.DEMO_AUDIENCE,
    clientId: settings.DEMO_CLIENT_ID,
    clientSecret: settings.DEMO_CLIENT_SECRET,
    brokers: settings.LEDGATE_KAFKA_BROKERS,
  }
}
