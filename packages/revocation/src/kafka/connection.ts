import { type ISocketFactory, Kafka, type KafkaConfig, logLevel } from 'kafkajs'
import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { checkKafkaOptions } from './kafka-options.ts'
import { kafkaLogCreator, type KafkaLog } from './kafka-log.ts'
import { mendRequestQueue } from './request-queue.ts'

/** How Kafka is reached. */
export interface KafkaOptions {
  /** `host:port` of some brokers; the others are learnt from them. */
  readonly brokers: readonly string[]
  /**
   * TLS, when it is there; `ca` in PEM, those of the system unless told. For mutual TLS `cert` and `key`, both in PEM, say who
   * this client is.
   */
  readonly tls?:
    | { readonly ca?: string | undefined; readonly cert?: string | undefined; readonly key?: string | undefined }
    | undefined
  readonly sasl?:
    | {
        readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'
        readonly username: string
        readonly password: string
      }
    | undefined
  /** What brokers call this process in their logs; `ledgate` unless told. */
  readonly clientId?: string | undefined
  /** The topic; `ledgate.revocations.v1` unless told. */
  readonly topic?: string | undefined
  /** Milliseconds that a call may take; 10,000 unless told. */
  readonly deadlineMs?: number | undefined
  readonly log?: KafkaLog | undefined
}

/** A client of Kafka whose connections are in our hands. */
export interface KafkaConnection {
  readonly kafka: Kafka
  readonly deadlineMs: number
  /** Calls back once, when a connection that was in use is gone: kafkajs itself tells of that late, or never. */
  onLost(listener: (error: Error) => void): void
  /** Ends every connection at once, and lets none begin: what still waits on one fails. */
  cut(): void
}

const DEFAULT_DEADLINE_MS = 10_000
/** How many brokers that do not answer may be tried before the time of a call is over. */
const BROKERS_IN_TIME = 3
/** Brokers end connections that said nothing for ten minutes; nothing is lost with those. */
const IDLE_MS = 60_000
const KEEP_ALIVE_MS = 10_000
/** One more try inside kafkajs: it learns of brokers by failing, and may send the same batch again within one producer. */
const RETRY = { retries: 1, initialRetryTime: 50, maxRetryTime: 500 }

/** kafkajs begins with the first: were it always the same one, everybody would wait for that when it is away. */
function inAnyOrder(brokers: readonly string[]): string[] {
  const first = Math.floor(Math.random() * brokers.length)
  return [...brokers.slice(first), ...brokers.slice(0, first)]
}

/** Opens nothing yet: kafkajs connects when it is used. @throws {TypeError} for options that cannot be meant. */
export function openConnection(options: KafkaOptions): KafkaConnection {
  checkKafkaOptions(options)
  mendRequestQueue()
  const deadlineMs = options.deadlineMs ?? DEFAULT_DEADLINE_MS
  const sockets = trackedSockets()
  const { tls, sasl } = options
  const config: KafkaConfig = {
    brokers: inAnyOrder(options.brokers),
    clientId: options.clientId ?? 'ledgate',
    connectionTimeout: deadlineMs / BROKERS_IN_TIME,
    authenticationTimeout: deadlineMs,
    requestTimeout: deadlineMs,
    enforceRequestTimeout: true,
    retry: RETRY,
    socketFactory: sockets.factory,
    logLevel: options.log === undefined ? logLevel.NOTHING : logLevel.INFO,
    logCreator: kafkaLogCreator(options.log),
    ...(tls && { ssl: tlsOf(tls) }),
    ...(sasl && { sasl: saslOf(sasl) }),
  }
  return { kafka: new Kafka(config), deadlineMs, onLost: sockets.onLost, cut: sockets.cut }
}

function tlsOf({ ca, cert, key }: NonNullable<KafkaOptions['tls']>) {
  if (ca === undefined && cert === undefined) return true
  return {
    ...(ca !== undefined && { ca: [ca] }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
  }
}

/** kafkajs takes each mechanism as a type of its own. */
function saslOf({
  mechanism,
  username,
  password,
}: NonNullable<KafkaOptions['sasl']>): NonNullable<KafkaConfig['sasl']> {
  switch (mechanism) {
    case 'plain':
      return { mechanism, username, password }
    case 'scram-sha-256':
      return { mechanism, username, password }
    case 'scram-sha-512':
      return { mechanism, username, password }
  }
}

function trackedSockets() {
  const open = new Set<Socket>()
  let lost: ((error: Error) => void) | undefined
  let isCut = false

  const factory: ISocketFactory = ({ host, port, ssl, onConnect }) => {
    const name = isIP(host) === 0 ? { servername: host } : {}
    // kafkajs hands on `true` for TLS that was told nothing more; its types do not say so.
    const tls = typeof ssl === 'object' ? ssl : {}
    const socket = ssl ? connectTls({ host, port, ...name, ...tls }, onConnect) : connectTcp({ host, port }, onConnect)
    socket.setKeepAlive(true, KEEP_ALIVE_MS).setNoDelay(true)
    if (isCut) socket.destroy(new Error('this connection to Kafka is closed'))
    let usedAt = Number.NEGATIVE_INFINITY // a connection that never came about is not lost: there are other brokers
    socket.on('data', () => (usedAt = performance.now()))
    open.add(socket)
    socket.once('close', () => {
      open.delete(socket)
      if (!isCut && performance.now() - usedAt < IDLE_MS) lost?.(new Error(`lost the connection to ${host}:${port}`))
    })
    return socket
  }

  return {
    factory,
    onLost(listener: (error: Error) => void) {
      lost = (error) => {
        lost = undefined
        listener(error)
      }
    },
    cut() {
      isCut = true
      for (const socket of open) socket.destroy(new Error('this connection to Kafka is closed'))
    },
  }
}
