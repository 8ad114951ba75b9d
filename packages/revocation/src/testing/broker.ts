import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { z } from 'zod'
import { damageIn, topicsOf } from './broker-topics.ts'

/** A listener where clients use TLS and a password, and another where they use TLS and a certificate. */
const Secured = z.object({
  brokers: z.string(),
  ca: z.string(),
  username: z.string(),
  password: z.string(),
  /** `cert` and `key` are files. */
  mutual: z.object({ brokers: z.string(), cert: z.string(), key: z.string() }),
})
const Started = z.object({ brokers: z.string(), pid: z.int().positive(), secured: Secured.optional() })

/** A real Kafka broker, and what can happen to one. */
export interface Broker {
  readonly brokers: readonly string[]
  /** `ca` is a file. Only of a broker that was asked for it. */
  readonly secured: z.infer<typeof Secured> | undefined
  /** Ends it at once, as a crash would. */
  kill(): Promise<void>
  /** Lets it hang: its connections stay, and it says nothing. */
  freeze(): void
  thaw(): void
  /** Starts it again where it was, with what it kept; ends it first when it runs. */
  restart(): Promise<void>
  /** Deletes all messages of a topic; what comes next has the next offset. */
  truncate(topic: string): Promise<void>
  /** Deletes a topic; one that is made after it begins at offset 0. */
  deleteTopic(topic: string): Promise<void>
  /** Sets a setting of a topic, or takes back what was set. */
  setTopic(topic: string, setting: string, value: string | undefined): Promise<void>
  /** Damages what it has on its disk of a topic: the last byte of each place where a text stands. Not of `KAFKA_BROKERS`. */
  damage(topic: string, text: string): Promise<void>
  close(): Promise<void>
}

export interface OpenBroker {
  /** One that nobody else uses, and that can therefore be harmed, even if `KAFKA_BROKERS` names another or one is shared. */
  readonly isOwn?: boolean
  /** One that was started here, and whose disk can therefore be damaged, even if `KAFKA_BROKERS` names another; it may be shared. */
  readonly isStartedHere?: boolean
  /** Whether it also listens with TLS and SASL; such a one is its own. */
  readonly isSecured?: boolean
}

const MAIN = join(import.meta.dirname, '..', '..', '..', '..', 'tools', 'kafka', 'src', 'main.ts')
const NODE_OPTIONS = ['--conditions=@ledgate/source', '--disable-warning=TimeoutNegativeWarning']

/** Why no broker can be started here, said once. */
let reason: string | undefined

/**
 * Whether tests can have a broker, for `describe.skipIf(!brokerIsAvailable())`. In CI it is always said to be there, so that
 * a test that cannot have one fails.
 */
export function brokerIsAvailable(): boolean {
  if (process.env['CI'] || process.env['KAFKA_BROKERS']) return true
  if (reason === undefined) {
    const { stderr, status } = spawnSync(process.execPath, [...NODE_OPTIONS, MAIN, '--check'], { encoding: 'utf8' })
    reason = status === 0 ? '' : stderr.trim() || 'tools/kafka does not run'
    if (reason !== '') process.stderr.write(`tests with Kafka are left out: ${reason}\n`)
  }
  return reason === ''
}

/** The name of the setting with the port at which the test files of a package learn of the broker that they share. */
export const SHARED_BROKER = 'LEDGATE_SHARED_BROKER'

/** Opens the broker that `KAFKA_BROKERS` names or that is shared here, or starts one. @throws {Error} when it does not start. */
export async function openBroker({
  isOwn = false,
  isStartedHere = false,
  isSecured = false,
}: OpenBroker = {}): Promise<Broker> {
  const mayShare = !isOwn && !isSecured
  const { KAFKA_BROKERS: named, [SHARED_BROKER]: port } = process.env
  if (mayShare && named && !isStartedHere) return sharedBroker({ brokers: named.split(',') })
  if (mayShare && port) return sharedBroker(await heardAt(Number(port)))
  return startOwnBroker({ isSecured })
}

/** A broker that was started here. */
export interface OwnBroker extends Broker {
  /** The folder in which it keeps everything. */
  readonly data: string
}

/** Starts a broker. @throws {Error} when it does not start. */
export async function startOwnBroker({ isSecured = false }: Pick<OpenBroker, 'isSecured'> = {}): Promise<OwnBroker> {
  const data = await mkdtemp(join(tmpdir(), 'ledgate-broker-'))
  const args = ['--data', data, ...(isSecured ? ['--secured'] : [])]
  let running = await spawnBroker(args)
  const { brokers } = running
  const kill = async () => {
    running.signal('SIGKILL')
    await running.ended
  }
  return {
    data,
    brokers: [brokers],
    /** Another port after each start. */
    get secured() {
      return running.secured
    },
    kill,
    freeze: () => running.signal('SIGSTOP'),
    thaw: () => running.signal('SIGCONT'),
    async restart() {
      await kill()
      running = await spawnBroker([...args, '--port', brokers.slice(brokers.indexOf(':') + 1)])
    },
    ...topicsOf([brokers]),
    damage: damageIn(data),
    async close() {
      await kill()
      await rm(data, { recursive: true, force: true })
    },
  }
}

const Shared = z.object({ brokers: z.array(z.string()), data: z.string().optional() })

/** What is told at a port of the broker that is shared. */
async function heardAt(port: number): Promise<z.infer<typeof Shared>> {
  return Shared.parse(JSON.parse(await text(connect({ port, host: '127.0.0.1' }))))
}

/** One that others use, too: what is harmed is a topic at most. */
function sharedBroker({ brokers, data }: z.infer<typeof Shared>): Broker {
  const refuse = (): never => {
    throw new Error('this broker is not ours to harm: ask for one with isOwn')
  }
  const [now, later] = [refuse, async () => refuse()]
  const harm = {
    kill: later,
    restart: later,
    freeze: now,
    thaw: now,
    damage: data === undefined ? later : damageIn(data),
  }
  return { brokers, secured: undefined, ...harm, ...topicsOf(brokers), close: () => Promise.resolve() }
}

interface Running {
  readonly brokers: string
  readonly secured: z.infer<typeof Secured> | undefined
  readonly ended: Promise<unknown>
  /** Sends a signal to Kafka itself. */
  signal(signal: NodeJS.Signals): void
}

async function spawnBroker(args: readonly string[]): Promise<Running> {
  // Its standard input ends with this process, however that ends; then it stops by itself.
  const child = spawn(process.execPath, [...NODE_OPTIONS, MAIN, ...args], { stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = once(child, 'close')
  const { brokers, pid, secured } = Started.parse(JSON.parse(await firstLine(child)))
  let isGone = false
  void ended.then(() => (isGone = true))
  return {
    brokers,
    secured,
    ended,
    signal(signal) {
      if (!isGone) process.kill(pid, signal)
    },
  }
}

async function firstLine(child: ChildProcess): Promise<string> {
  if (child.stdout) for await (const line of createInterface(child.stdout)) return line
  throw new Error('the broker did not start')
}
