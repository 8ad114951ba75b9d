import { z } from 'zod'

const Settings = z.object({
  DEMO_PORT: z.coerce.number().int().min(0).max(65_535).default(4050),
  LEDGATE_PORT: z.string().default('4040'),
  LEDGATE_ISSUER: z.string().optional(),
  DEMO_AUDIENCE: z.string().default('https://orders.example/'),
  DEMO_CLIENT_ID: z.string().default('orders-api'),
  DEMO_CLIENT_SECRET: z.string().default('demo-only-orders-api-secret'),
  LEDGATE_KAFKA_BROKERS: z.string().optional(),
})

export interface DemoSettings {
  readonly port: number
  readonly issuer: string
  readonly audience: string
  /** What the orders API proves itself with, to read what has ended. */
  readonly clientId: string
  readonly clientSecret: string
  /** Where revocations come from first; over HTTP alone when there are none. */
  readonly brokers: readonly string[] | undefined
}

/** What the demo runs with: what `npm start` does, unless told. @throws {ZodError} */
export function readSettings(env: NodeJS.ProcessEnv): DemoSettings {
  const settings = Settings.parse(env)
  return {
    port: settings.DEMO_PORT,
    issuer: settings.LEDGATE_ISSUER ?? `http://127.0.0.1:${settings.LEDGATE_PORT}`,
    audience: settings.DEMO_AUDIENCE,
    clientId: settings.DEMO_CLIENT_ID,
    clientSecret: settings.DEMO_CLIENT_SECRET,
    brokers: settings.LEDGATE_KAFKA_BROKERS?.split(','),
  }
}
