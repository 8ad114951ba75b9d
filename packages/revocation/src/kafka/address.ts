import { isBrokerAddress } from '../broker-address.ts'
import type { KafkaOptions } from './connection.ts'

/** @throws {TypeError} for options with which Kafka can never be reached; it says which, and nothing secret. */
export function checkKafkaOptions({ brokers, tls }: Pick<KafkaOptions, 'brokers' | 'tls'>): void {
  if (!Array.isArray(brokers) || brokers.length === 0) throw new TypeError('brokers must be one address or more')
  const wrong = brokers.findIndex((broker) => typeof broker !== 'string' || !isBrokerAddress(broker))
  if (wrong >= 0) throw new TypeError(`brokers[${wrong}] must be host:port, such as kafka-1:9092 or [::1]:9092`)
  if (new Set(brokers).size !== brokers.length) throw new TypeError('a broker is named twice')
  if ((tls?.cert === undefined) !== (tls?.key === undefined))
    throw new TypeError('tls.cert and tls.key belong together: one of them is missing')
}
