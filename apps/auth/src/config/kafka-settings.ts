import { readFileSync } from 'node:fs'
import { createSecureContext } from 'node:tls'
import { isBrokerAddress } from '@ledgate/revocation'
import { z } from 'zod'

/** `host:port`, one or more, comma separated. */
const Brokers = z
  .string()
  .transform((value) => value.split(',').map((each) => each.trim()))
  .refine((brokers) => brokers.every(isBrokerAddress) && new Set(brokers).size === brokers.length)

/** The settings about Kafka. */
export const KafkaEnvironment = {
  LEDGATE_KAFKA_BROKERS: z
    .string()
    .refine((value) => Brokers.safeParse(value).success, { error: 'must be brokers such as kafka-1:9092,kafka-2:9092' })
    .optional(),
  LEDGATE_KAFKA_TLS_CA: z.string().min(1).optional(),
  LEDGATE_KAFKA_TLS_CERT: z.string().min(1).optional(),
  LEDGATE_KAFKA_TLS_KEY: z.string().min(1).optional(),
  LEDGATE_KAFKA_SASL_MECHANISM: z.enum(['plain', 'scram-sha-256', 'scram-sha-512']).optional(),
  LEDGATE_KAFKA_SASL_USERNAME: z.string().min(1).optional(),
  LEDGATE_KAFKA_SASL_PASSWORD: z.string().min(1).optional(),
} satisfies z.ZodRawShape

type Settings = z.output<z.ZodObject<typeof KafkaEnvironment>>

/** How Kafka is reached. */
export interface KafkaSettings {
  readonly brokers: readonly string[]
  /** With TLS; trusting these certificates, or those of the system when there are none. */
  readonly tls: { readonly ca?: string; readonly cert?: string; readonly key?: string } | undefined
  readonly sasl:
    | {
        readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'
        readonly username: string
        readonly password: string
      }
    | undefined
}

const SYSTEM = 'system'

function tlsOf(file: string | undefined, problems: string[]): KafkaSettings['tls'] {
  if (file === undefined) return undefined
  if (file === SYSTEM) return {}
  try {
    const ca = readFileSync(file, 'utf8')
    if (!ca.includes('-----BEGIN CERTIFICATE-----')) problems.push('LEDGATE_KAFKA_TLS_CA holds no certificate (PEM)')
    return { ca }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    problems.push(`LEDGATE_KAFKA_TLS_CA is neither "${SYSTEM}" nor a file that can be read (${code})`)
    return undefined
  }
}

/** The text of the file that a setting names; `undefined` when it cannot be read. */
function fileOf(setting: string, path: string, problems: string[]): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    problems.push(`${setting} is no file that can be read (${code})`)
    return undefined
  }
}

/** Certificate and key of this server as a client of Kafka. Problems do not quote either. */
function clientCertificate(certFile: string | undefined, keyFile: string | undefined, problems: string[]) {
  if (certFile === undefined && keyFile === undefined) return {}
  if (certFile === undefined || keyFile === undefined) {
    problems.push('LEDGATE_KAFKA_TLS_CERT and LEDGATE_KAFKA_TLS_KEY must be set together; one of them is missing')
    return {}
  }
  const cert = fileOf('LEDGATE_KAFKA_TLS_CERT', certFile, problems)
  const key = fileOf('LEDGATE_KAFKA_TLS_KEY', keyFile, problems)
  if (cert === undefined || key === undefined) return {}
  const [isCertificate, isKey] = [CERTIFICATE.test(cert), PRIVATE_KEY.test(key)]
  if (!isCertificate) problems.push('LEDGATE_KAFKA_TLS_CERT holds no certificate (PEM)')
  if (!isKey) problems.push('LEDGATE_KAFKA_TLS_KEY holds no private key (PEM)')
  if (isCertificate && isKey && !areOne(cert, key))
    problems.push('LEDGATE_KAFKA_TLS_KEY is not the key of LEDGATE_KAFKA_TLS_CERT, or one of them cannot be used')
  return { cert, key }
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----/
const PRIVATE_KEY = /-----BEGIN [A-Z ]*PRIVATE KEY-----/

/** Whether TLS takes them together. */
function areOne(cert: string, key: string): boolean {
  try {
    createSecureContext({ cert, key })
    return true
  } catch {
    return false
  }
}

/** Kafka as it is configured, `undefined` when it is not; and what is wrong with that. */
export function kafkaSettings(
  settings: Settings,
  production: boolean,
): { readonly kafka: KafkaSettings | undefined; readonly problems: readonly string[] } {
  const {
    LEDGATE_KAFKA_BROKERS: brokers,
    LEDGATE_KAFKA_TLS_CA: ca,
    LEDGATE_KAFKA_TLS_CERT: cert,
    LEDGATE_KAFKA_TLS_KEY: key,
    LEDGATE_KAFKA_SASL_MECHANISM: mechanism,
    LEDGATE_KAFKA_SASL_USERNAME: username,
    LEDGATE_KAFKA_SASL_PASSWORD: password,
  } = settings
  const problems: string[] = []
  const credentials = [mechanism, username, password].filter((each) => each !== undefined)
  if (brokers === undefined && (ca !== undefined || credentials.length > 0))
    problems.push('LEDGATE_KAFKA_BROKERS is missing, but other LEDGATE_KAFKA settings are set')
  if (credentials.length === 1 || credentials.length === 2)
    problems.push('LEDGATE_KAFKA_SASL_MECHANISM, _USERNAME and _PASSWORD must be set together; one of them is missing')
  if (production && mechanism === 'plain' && ca === undefined)
    problems.push(
      'LEDGATE_KAFKA_SASL_MECHANISM plain without LEDGATE_KAFKA_TLS_CA would send the password in the clear',
    )
  if (ca === undefined && (cert !== undefined || key !== undefined))
    problems.push('LEDGATE_KAFKA_TLS_CERT needs LEDGATE_KAFKA_TLS_CA: TLS is off without it')
  const trusted = tlsOf(ca, problems)
  const tls = trusted && { ...trusted, ...clientCertificate(cert, key, problems) }
  const sasl = mechanism && username && password ? { mechanism, username, password } : undefined
  const kafka = brokers === undefined ? undefined : { brokers: Brokers.parse(brokers), tls, sasl }
  return { kafka, problems }
}
