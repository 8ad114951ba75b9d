import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { readSettings, SettingsError } from './settings.ts'

function problems(env: NodeJS.ProcessEnv): readonly string[] {
  try {
    readSettings(env)
    return []
  } catch (error) {
    if (error instanceof SettingsError) return error.problems
    throw error
  }
}

interface Demo {
  readonly resources: readonly { resource: string; client_id: string; client_secret: string }[]
}

describe('the settings of the demo', () => {
  it('are those of the server that npm start starts', () => {
    const file = new URL('../../../../tools/bootstrap/demo.json', import.meta.url)
    const [orders] = (JSON.parse(readFileSync(file, 'utf8')) as Demo).resources
    expect(readSettings({})).toEqual({
      port: 4050,
      issuer: 'http://127.0.0.1:4040',
      audience: orders?.resource,
      clientId: orders?.client_id,
      clientSecret: orders?.client_secret,
      brokers: undefined,
    })
  })

  it('follow the server to another port, name and Kafka', () => {
    expect(readSettings({ LEDGATE_PORT: '4999' }).issuer).toBe('http://127.0.0.1:4999')
    const env = { LEDGATE_ISSUER: 'https://id.example.com', LEDGATE_KAFKA_BROKERS: 'kafka-1:9092, [::1]:9093' }
    expect(readSettings(env)).toMatchObject({
      issuer: 'https://id.example.com',
      brokers: ['kafka-1:9092', '[::1]:9093'],
    })
  })

  it('that are empty are not there, and what else the server reads is nothing to the demo', () => {
    const env = { DEMO_PORT: '', LEDGATE_ISSUER: '', LEDGATE_DATA_DIR: '/data', LEDGATE_KAFKA_TLS_CA: 'system' }
    expect(readSettings(env)).toEqual(readSettings({}))
  })

  it.each([
    ['DEMO_PORT', 'eighty'],
    ['DEMO_PORT', '-1'],
    ['DEMO_PORT', '65536'],
    ['DEMO_PORT', '40.5'],
    ['DEMO_AUDIENCE', 'orders'],
    ['LEDGATE_PORT', 'eighty'],
    ['LEDGATE_ISSUER', 'id.shop.example'],
    ['LEDGATE_ISSUER', 'https://id.shop.example/'],
    ['LEDGATE_ISSUER', 'https://id.shop.example/tenant'],
    ['LEDGATE_ISSUER', 'http://id.shop.example'],
    ['LEDGATE_ISSUER', 'ftp://127.0.0.1'],
    ['LEDGATE_KAFKA_BROKERS', 'queue'],
    ['LEDGATE_KAFKA_BROKERS', 'queue:1,,queue:2'],
    ['DEMO_CLIENT_SECERT', 'a typing error'],
  ])('are refused by name, without the value: %s=%s', (name, value) => {
    const [problem, ...others] = problems({ [name]: value })
    expect([problem?.startsWith(`${name} `), others]).toEqual([true, []])
    expect(problem).not.toContain(value)
  })

  it('tell everything that is wrong at once', () => {
    expect(problems({ DEMO_PORT: 'x', LEDGATE_PORT: 'y', DEMO_PROT: '4050' })).toHaveLength(3)
  })
})
