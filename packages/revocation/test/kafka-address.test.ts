import { describe, expect, it } from 'vitest'
import { kafkaPublisher, kafkaRevocations } from '../src/kafka/index.ts'

const GOOD = ['kafka-1:9092', 'KAFKA.example.:1', '10.0.0.1:65535', '[::1]:9092', '[2001:db8::1]:9093', 'under_score:1']
const BAD = [
  '',
  ' ',
  'kafka',
  'kafka:',
  ':9092',
  'kafka:0',
  'kafka:65536',
  'kafka:99999',
  'kafka:9092/',
  'kafka:x',
  '::1:9092',
]
const WORSE = [
  '[::1]',
  '[kafka]:9092',
  'http://kafka:9092',
  'SASL_SSL://kafka:9092',
  'kafka:9092,other:9092',
  ' kafka:9092',
  'user@kafka:9092',
]

describe('the addresses of brokers', () => {
  it.each(GOOD)('are host and port: %s', (broker) => {
    expect(kafkaRevocations({ brokers: [broker] }).name).toBe('kafka')
  })

  it.each([[[]], ...[...BAD, ...WORSE].map((broker) => [['kafka:9092', broker]]), [['a:1', 'a:1']]])(
    'are refused at once when nothing can be reached by them: %j',
    (brokers) => {
      expect(() => kafkaRevocations({ brokers })).toThrow(TypeError)
      expect(() => kafkaPublisher({ brokers })).toThrow(TypeError)
    },
  )

  it('come with both parts of a client certificate, or none, and no error says the key', () => {
    const tls = { key: 'a private key' }
    expect(() => kafkaRevocations({ brokers: ['kafka:9092'], tls })).toThrow(/tls.cert and tls.key belong together/)
    expect(() => kafkaRevocations({ brokers: ['kafka:9092'], tls })).not.toThrow(/a private key/)
  })
})

it.each([
  [{ topic: '' }, /topic must be/],
  [{ topic: '..' }, /topic must be/],
  [{ topic: 'of revocations' }, /topic must be/],
  [{ topic: 'x'.repeat(250) }, /topic must be/],
  [{ deadlineMs: 0 }, /deadlineMs must be/],
  [{ deadlineMs: Number.NaN }, /deadlineMs must be/],
  [{ deadlineMs: 2 ** 31 }, /deadlineMs must be/],
  [{ tls: { ca: '/etc/ssl/ca.pem' } }, /tls.ca contains no certificate/],
  [{ tls: { cert: 'a certificate', key: 'a private key' } }, /tls.key is not the key of tls.cert/],
])('whatever could only fail for ever is refused at once, and nothing secret is said: %j', (options, why) => {
  for (const make of [kafkaRevocations, kafkaPublisher]) {
    const making = () => make({ brokers: ['kafka:9092'], ...options })
    expect(making).toThrow(why)
    expect(making).not.toThrow(/a private key/)
  }
})
