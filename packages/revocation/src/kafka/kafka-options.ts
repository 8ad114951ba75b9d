import { createSecureContext } from 'node:tls'
import { isBrokerAddress } from '../feed/index.ts'
import type { KafkaOptions } from './connection.ts'

/** Valid names of topics. */
const TOPIC_NAME = /^(?!\.{1,2}$)[A-Za-z0-9._-]{1,249}$/
/** The longest time that a timer takes. */
const LONGEST_MS = 2 ** 31 - 1

/** Checks the options. @throws {TypeError} that names the invalid option, without its secrets. */
export function checkKafkaOptions({
  brokers,
  tls,
  topic,
  deadlineMs = 1,
}: Pick<KafkaOptions, 'brokers' | 'tls' | 'topic' | 'deadlineMs'>): void {
  if (!Array.isArray(brokers) || brokers.length === 0) throw new TypeError('brokers must have at least one address')
  const wrong = brokers.findIndex((broker) => typeof broker !== 'string' || !isBrokerAddress(broker))
  if (wrong >= 0) throw new TypeError(`brokers[${wrong}] must be host:port, such as kafka-1:9092 or [::1]:9092`)
  if (new Set(brokers).size !== brokers.length) throw new TypeError('brokers must not repeat an address')
  if (topic !== undefined && !TOPIC_NAME.test(topic))
    throw new TypeError('topic must be 1 to 249 of the characters A-Z a-z 0-9 . _ -')
  if (!(deadlineMs > 0 && deadlineMs <= LONGEST_MS))
    throw new TypeError(`deadlineMs must be above 0 and at most ${LONGEST_MS}`)
  checkTls(tls)
}

/** Node ignores a `ca` that is no certificate, and reports other errors only when it connects. */
function checkTls({ ca, cert, key }: NonNullable<KafkaOptions['tls']> = {}): void {
  if ((cert === undefined) !== (key === undefined))
    throw new TypeError('tls.cert and tls.key belong together: one of them is missing')
  if (ca !== undefined && !ca.includes('-----BEGIN CERTIFICATE-----'))
    throw new TypeError('tls.ca contains no certificate (PEM)')
  try {
    createSecureContext({ cert, key })
  } catch {
    throw new TypeError('tls.key is not the key of tls.cert, or one of them is not in PEM')
  }
}
