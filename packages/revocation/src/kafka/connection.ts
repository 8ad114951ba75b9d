import { type ISocketFactory, Kafka, type KafkaConfig, logLevel } from 'kafkajs'
import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { checkKafkaOptions } from './kafka-options.ts'
import { kafkaLogCreator, type KafkaLog } from './kafka-log.ts'
import { patchRequestQueue } from './request-queue.ts'

/** How to connect to Kafka. */
export interface KafkaOptions {
  /** `host:port` of some brokers, which tell the addresses of the others. */
  readonly brokers: readonly string[]
  /**
   * Enables TLS. `ca` in PEM; default: the authorities of the system. `cert` and `key`, both in PEM, are the client certificate for
   * mutual TLS.
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
  /** The name of this process in the logs of brokers. Default: `ledgate`. */
  readonly clientId?: string | undefined
  /** The topic. Default: `ledgate.revocations.v1`. */
  readonly topic?: string | undefined
  /** Milliseconds that a call may take. Default: 10,000. */
  readonly deadlineMs?: number | undefined
  readonly log?: KafkaLog | undefined
}

/** A client of Kafka whose sockets are under control. */
export interface KafkaConnection {
  readonly kafka: Kafka
  readonly deadlineMs: number
  /** Calls the listener once, when a connection in use is lost: kafkajs itself reports that late, or never. */
  onLost(listener: (error: Error) => void): void
  /** Closes all connections at once, and prevents new ones: pending calls fail. */
  cut(): void
}

const DEFAULT_DEADLINE_MS = 10_000
/** How many unresponsive brokers can be tried within the deadline of a call. */
const BROKERS_IN_TIME = 3
/** Brokers close connections that are idle for ten minutes; the loss of those does not matter. */
const IDLE_MS = 60_000
const KEEP_ALIVE_MS = 10_000
/** One retry inside kafkajs: it discovers brokers by failing, and may resend the same batch within one producer. */
const RETRY = { retries: 1, initialRetryTime: 50, maxRetryTime: 500 }

/** kafkajs starts with the first broker: if it were always the same one, every client would wait for it while it is down. */
function rotate(brokers: readonly string[]): string[] {
  const first = Math.floor(Math.random() * brokers.length)
  return [...brokers.slice(first), ...brokers.slice(0, first)]
}

/** Creates a client; kafkajs connects when it is used. @throws {TypeError} if the options are invalid. */
export function openConnection(options: KafkaOptions): KafkaConnection {
  checkKafkaOptions(options)
  patchRequestQueue()
  const deadlineMs = options.deadlineMs ?? DEFAULT_DEADLINE_MS
  const sockets = trackedSockets()
  const { tls, sasl } = options
  const config: KafkaConfig = {
    brokers: rotate(options.brokers),
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

/** kafkajs has a type of its own for each mechanism. */
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
    // kafkajs passes `true` for TLS without options, against its types.
    const tls = typeof ssl === 'object' ? ssl : {}
    const socket = ssl ? connectTls({ host, port, ...name, ...tls }, onConnect) : connectTcp({ host, port }, onConnect)
    socket.setKeepAlive(true, KEEP_ALIVE_MS).setNoDelay(true)
    if (isCut) socket.destroy(new Error('this connection to Kafka is closed'))
    let usedAt = Number.NEGATIVE_INFINITY // A connection that was never established is not lost: there are other brokers.
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
