import { type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { answering } from './answering.ts'
import { type Java, runKafka, spawnKafka } from './java.ts'
import { freePort } from './ports.ts'
import { type Prepared, prepared } from './prepared.ts'
import { serverProperties } from './properties.ts'
import { type Secured, secure, securedUsers } from './secured.ts'

export interface BrokerOptions {
  /** Where it keeps what it was told; a folder that goes with it unless told. */
  readonly data?: string | undefined
  /** The loopback port it listens on; a free one unless told. */
  readonly port?: number | undefined
  /** Whether it also listens where clients must use TLS and say who they are. */
  readonly isSecured?: boolean | undefined
}

export interface RunningBroker {
  /** What `LEDGATE_KAFKA_BROKERS` takes. */
  readonly brokers: string
  /** Of the process that runs Kafka. */
  readonly pid: number
  readonly data: string
  readonly secured?: Secured | undefined
  /** Resolves when that process is gone, whoever ended it. */
  readonly ended: Promise<unknown>
  /** Ends it, and removes the folder if it is its own. */
  stop(): Promise<void>
}

/** How long a broker may take to answer, on a machine that has much else to do. */
const START_MS = 60_000
/** How long it may take to leave in good order. */
const STOP_MS = 10_000

/** Starts a broker, and resolves when it answers. @throws {Error} with the end of its log when it does not. */
export async function startBroker(options: BrokerOptions = {}): Promise<RunningBroker> {
  return start(options, await prepareBroker())
}

/** Makes what is made once for all brokers here, if it is not there. */
export const prepareBroker = (): Promise<Prepared | undefined> => prepared((data, flags) => start({ data }, {}, flags))

async function start(
  { data, port, isSecured = false }: BrokerOptions,
  { flags = [], format }: Partial<Prepared> = {},
  more: readonly string[] = [],
): Promise<RunningBroker> {
  const folder = data === undefined ? await mkdtemp(join(tmpdir(), 'ledgate-kafka-')) : resolve(data)
  const removeOwn = async () => {
    if (data === undefined) await rm(folder, { recursive: true, force: true })
  }
  const log = join(folder, 'broker.log')
  const java = { log, flags }
  let child: ChildProcess | undefined
  try {
    await mkdir(folder, { recursive: true })
    const listening = port ?? (await freePort())
    const secured = isSecured ? await secure(folder) : undefined
    const configuration = join(folder, 'server.properties')
    await writeFile(
      configuration,
      serverProperties({ data: folder, port: listening, controllerPort: await freePort(), secured }),
    )
    if (!existsSync(join(folder, 'log', 'meta.properties'))) {
      // A user of its own has to be in the first record.
      if (format !== undefined && secured === undefined) await format(join(folder, 'log'))
      else await formatAnew(java, configuration, secured?.password)
    }
    child = spawnKafka({ log, flags: [...flags, ...more] }, 'kafka.Kafka', [configuration])
    const ended = once(child, 'close')
    const brokers = `127.0.0.1:${listening}`
    await answeringOrEnded(brokers, ended)
    const running = child
    return {
      brokers,
      pid: running.pid ?? 0,
      data: folder,
      secured,
      ended,
      async stop() {
        // What is thrown away need not be left in good order.
        running.kill(data === undefined ? 'SIGKILL' : 'SIGTERM')
        const timer = setTimeout(() => running.kill('SIGKILL'), STOP_MS)
        await ended
        clearTimeout(timer)
        await removeOwn()
      },
    }
  } catch (error) {
    child?.kill('SIGKILL')
    const said = await readFile(log, 'utf8').catch(() => '')
    await removeOwn()
    throw new Error(`the broker does not start\n${said.slice(-4_000)}`, { cause: error })
  }
}

async function formatAnew(java: Java, configuration: string, password: string | undefined): Promise<void> {
  // It may begin with a hyphen: in a word of its own it would be taken for an option.
  const cluster = randomBytes(16).toString('base64url')
  const users = password === undefined ? [] : securedUsers(password)
  await runKafka(java, 'kafka.tools.StorageTool', ['format', `--cluster-id=${cluster}`, '-c', configuration, ...users])
}

async function answeringOrEnded(brokers: string, ended: Promise<unknown>): Promise<void> {
  const gone = new AbortController()
  const signal = AbortSignal.any([gone.signal, AbortSignal.timeout(START_MS)])
  void ended.then(() => gone.abort()).catch(() => gone.abort())
  await answering(brokers, signal)
}
