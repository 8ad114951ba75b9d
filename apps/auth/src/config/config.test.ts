import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { DEFAULT_LIMITS } from './limits.ts'
import { ConfigError, readConfig } from './config.ts'

const KEY = 'A'.repeat(43)
const production = {
  NODE_ENV: 'production',
  LEDGATE_ISSUER: 'https://id.example.com',
  LEDGATE_MASTER_KEY: KEY,
  LEDGATE_SMTP_URL: 'smtps://mail.example.com',
  LEDGATE_MAIL_FROM: 'id@example.com',
}

function problems(env: NodeJS.ProcessEnv): readonly string[] {
  try {
    readConfig(env)
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
  return []
}

describe('the configuration', () => {
  it('needs nothing in development', () => {
    expect(readConfig({})).toMatchObject({
      production: false,
      issuer: 'http://127.0.0.1:4040',
      masterKeys: [],
      readMasterKeys: expect.any(Function),
      limits: DEFAULT_LIMITS,
    })
  })

  it('reports every problem at once, by the name of the setting and without its value', () => {
    const found = problems({
      LEDGATE_PORT: 'many',
      LEDGATE_ISSUER: 'https://id.example.com/tenant/',
      LEDGATE_MASTER_KEY: 'hunter2',
      LEDGATE_TRUSTED_PROXIES: '10.0.0.1, somewhere',
      LEDGATE_RATE_LIMIT: 'off',
      LEDGATE_KAFKA_BROKERS: 'kafka://localhost',
    }).join('\n')
    for (const name of ['PORT', 'ISSUER', 'MASTER_KEY', 'TRUSTED_PROXIES', 'RATE_LIMIT', 'KAFKA_BROKERS'])
      expect(found).toContain(`LEDGATE_${name}`)
    expect(found).not.toContain('hunter2')
  })

  it('takes a number in digits alone', () => {
    for (const [setting, good] of [
      ['LEDGATE_PORT', '5050'],
      ['LEDGATE_TOKEN_CAP', '600'],
    ] as const) {
      expect(() => readConfig({ [setting]: good })).not.toThrow()
      for (const text of [' ', '0x1000', '1e3', ' 600', '600s', '-600', '600.0'])
        expect(problems({ [setting]: text }), text).toEqual([expect.stringContaining(setting)])
    }
  })

  it('takes no step of answers that no timer waits for', () => {
    expect(readConfig({ LEDGATE_RATE_LIMITS: 'answer_step_ms=60000' }).limits?.answer.stepMs).toBe(60_000)
    for (const step of ['60001', '2147483648', '9999999999'])
      expect(problems({ LEDGATE_RATE_LIMITS: `answer_step_ms=${step}` })).toEqual([
        expect.stringContaining('LEDGATE_RATE_LIMITS'),
      ])
  })

  it('takes a mail server by a URL that can be read and prints nothing, and repeats no password of it', () => {
    const good = 'smtps://ops:hun%40ter2@mail.example.com:465?pool=true'
    expect(readConfig({ LEDGATE_SMTP_URL: good }).smtpUrl).toBe(good)
    for (const wrong of [
      'smtp://ops:hunter2%@mail.example.com',
      'smtp://ops:hunter2@mail.example.com?logger=true',
      'smtp://ops:hunter2@mail.example.com?debug=true&x=1',
      'smtp://ops:hunter2@',
      'http://ops:hunter2@mail.example.com',
    ]) {
      const found = problems({ LEDGATE_SMTP_URL: wrong })
      expect(found, wrong).toEqual([expect.stringContaining('LEDGATE_SMTP_URL')])
      expect(found.join()).not.toContain('hunter2')
    }
  })

  it('takes EventStoreDB by a connection string and with an issuer, and repeats no password of it', () => {
    const issuer = { LEDGATE_ISSUER: 'https://id.example.com' }
    const url = 'esdb://ops:hunter2@localhost:2113?tls=false'
    expect(readConfig({ ...issuer, LEDGATE_EVENTSTOREDB_URL: url }).eventStoreDBUrl).toBe(url)
    expect(problems({ LEDGATE_EVENTSTOREDB_URL: url })).toEqual([
      expect.stringContaining('LEDGATE_ISSUER is required with LEDGATE_EVENTSTOREDB_URL'),
    ])
    const wrong = problems({ ...issuer, LEDGATE_EVENTSTOREDB_URL: url.replace('esdb', 'http') })
    expect(wrong).toEqual([expect.stringContaining('LEDGATE_EVENTSTOREDB_URL must be a connection string')])
    expect(wrong.join()).not.toContain('hunter2')
  })

  it('takes every limit by its name, and no other', () => {
    const { limits } = readConfig({ LEDGATE_RATE_LIMITS: 'login_free_failures=3, mail_per_address=1' })
    expect(limits).toEqual({
      ...DEFAULT_LIMITS,
      login: { ...DEFAULT_LIMITS.login, freeFailures: 3 },
      mail: { ...DEFAULT_LIMITS.mail, perAddress: 1 },
    })
    expect(readConfig({ LEDGATE_RATE_LIMITS: 'off' }).limits).toBeUndefined()
    for (const wrong of [
      'yes',
      'login_free_failures',
      'login_free_failures=0',
      'login_free_failures=many',
      'else=1',
      'on,off',
    ])
      expect(problems({ LEDGATE_RATE_LIMITS: wrong }).join()).toContain('LEDGATE_RATE_LIMITS')
  })

  it('takes Kafka with TLS and credentials, and says what is missing without repeating a secret', () => {
    const ca = join(mkdtempSync(join(tmpdir(), 'ledgate-config-')), 'ca.pem')
    writeFileSync(ca, '-----BEGIN CERTIFICATE-----\n')
    const sasl = { LEDGATE_KAFKA_SASL_USERNAME: 'ledgate', LEDGATE_KAFKA_SASL_PASSWORD: 'hunter2' }
    const whole = {
      ...sasl,
      LEDGATE_KAFKA_BROKERS: 'kafka-1:9092, kafka-2:9092',
      LEDGATE_KAFKA_TLS_CA: ca,
      LEDGATE_KAFKA_SASL_MECHANISM: 'scram-sha-512',
    }
    expect(readConfig(whole).kafka).toEqual({
      brokers: ['kafka-1:9092', 'kafka-2:9092'],
      tls: { ca: '-----BEGIN CERTIFICATE-----\n' },
      sasl: { mechanism: 'scram-sha-512', username: 'ledgate', password: 'hunter2' },
    })
    expect(readConfig({ LEDGATE_KAFKA_BROKERS: '[::1]:9092', LEDGATE_KAFKA_TLS_CA: 'system' }).kafka?.tls).toEqual({})
    const wrong = [
      sasl,
      { ...whole, LEDGATE_KAFKA_SASL_MECHANISM: '' },
      { ...whole, LEDGATE_KAFKA_SASL_MECHANISM: 'gssapi' },
      { ...whole, LEDGATE_KAFKA_TLS_CA: `${ca}.gone` },
      { ...production, ...whole, LEDGATE_KAFKA_SASL_MECHANISM: 'plain', LEDGATE_KAFKA_TLS_CA: '' },
    ]
    for (const env of wrong) {
      expect(problems(env).length).toBeGreaterThan(0)
      expect(problems(env).join()).toMatch(/LEDGATE_KAFKA_/)
      expect(problems(env).join()).not.toContain('hunter2')
    }
  })

  it('takes a client certificate for Kafka as a whole, and names what is wrong with it', () => {
    const folder = mkdtempSync(join(tmpdir(), 'ledgate-config-'))
    const file = (name: string, text: string): string => {
      writeFileSync(join(folder, name), text)
      return join(folder, name)
    }
    const label = 'PRIVATE KEY'
    const certificate = '-----BEGIN CERTIFICATE-----\nhunter2\n-----END CERTIFICATE-----\n'
    const cert = file('cert.pem', certificate)
    const key = file('key.pem', `-----BEGIN ${label}-----\nhunter3\n-----END ${label}-----\n`)
    const gone = join(folder, 'gone.pem')
    const kafka = { LEDGATE_KAFKA_BROKERS: 'kafka-1:9092', LEDGATE_KAFKA_TLS_CA: 'system' }
    const wrong: [Record<string, string>, RegExp[]][] = [
      [{ ...kafka, LEDGATE_KAFKA_TLS_CERT: cert }, [/_TLS_CERT and LEDGATE_KAFKA_TLS_KEY must be set together/]],
      [{ ...kafka, LEDGATE_KAFKA_TLS_KEY: key }, [/_TLS_CERT and LEDGATE_KAFKA_TLS_KEY must be set together/]],
      [{ ...kafka, LEDGATE_KAFKA_TLS_CERT: gone, LEDGATE_KAFKA_TLS_KEY: key }, [/_TLS_CERT is no file .*ENOENT/]],
      [{ ...kafka, LEDGATE_KAFKA_TLS_CERT: cert, LEDGATE_KAFKA_TLS_KEY: gone }, [/_TLS_KEY is no file .*ENOENT/]],
      [
        { ...kafka, LEDGATE_KAFKA_TLS_CERT: gone, LEDGATE_KAFKA_TLS_KEY: folder },
        [/_TLS_CERT is no file .*ENOENT/, /_TLS_KEY is no file .*EISDIR/],
      ],
      [
        { ...kafka, LEDGATE_KAFKA_TLS_CERT: key, LEDGATE_KAFKA_TLS_KEY: cert },
        [/_TLS_CERT holds no certificate/, /_TLS_KEY holds no private key/],
      ],
      [{ ...kafka, LEDGATE_KAFKA_TLS_CERT: cert, LEDGATE_KAFKA_TLS_KEY: key }, [/_TLS_KEY is not the key of/]],
      [
        { LEDGATE_KAFKA_BROKERS: 'kafka-1:9092', LEDGATE_KAFKA_TLS_CERT: cert, LEDGATE_KAFKA_TLS_KEY: key },
        [/_TLS_CERT needs LEDGATE_KAFKA_TLS_CA/],
      ],
    ]
    for (const [env, reasons] of wrong) {
      expect(problems(env)).toEqual(reasons.map((reason) => expect.stringMatching(reason)))
      expect(problems(env).join()).not.toMatch(/hunter/)
    }
  })

  it('takes a complete production', () => {
    expect(readConfig(production)).toMatchObject({
      production: true,
      issuer: 'https://id.example.com',
      masterKeys: [KEY],
    })
  })

  it('refuses production without an issuer, a master key and a mail server, all at once', () => {
    expect(problems({ NODE_ENV: 'production' })).toEqual(
      ['ISSUER', 'MASTER_KEY', 'SMTP_URL', 'MAIL_FROM'].map((name) => expect.stringContaining(`LEDGATE_${name}`)),
    )
  })

  it('refuses a plain-http issuer in production', () => {
    expect(problems({ ...production, LEDGATE_ISSUER: 'http://id.example.com' })).toEqual([
      'LEDGATE_ISSUER must be https in production',
    ])
  })

  it('refuses the key that development made beside the data', () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'ledgate-config-'))
    writeFileSync(join(dataDir, 'master.key'), `${KEY}\n`)
    expect(problems({ ...production, LEDGATE_DATA_DIR: dataDir })).toEqual([
      'LEDGATE_MASTER_KEY is the development key in the data folder; production needs its own',
    ])
  })

  it('reads the master key from a file, and says when it cannot', () => {
    const file = join(mkdtempSync(join(tmpdir(), 'ledgate-config-')), 'key')
    expect(problems({ LEDGATE_MASTER_KEY_FILE: file })).toEqual(['LEDGATE_MASTER_KEY_FILE cannot be read (ENOENT)'])
    writeFileSync(file, `${KEY}\n`)
    expect(readConfig({ LEDGATE_MASTER_KEY_FILE: file }).masterKeys).toEqual([KEY])
    expect(problems({ LEDGATE_MASTER_KEY_FILE: file, LEDGATE_MASTER_KEY: KEY })).toHaveLength(1)
  })

  it.each([
    'https://id.example.com/',
    'https://id.example.com?x',
    'ftp://id.example.com',
    'id.example.com',
    'https://ID.example.com',
  ])('refuses the issuer %s, which has more than one spelling', (issuer) =>
    expect(problems({ LEDGATE_ISSUER: issuer })).toHaveLength(1),
  )
})
