import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { CLASS_PATH } from './jars.ts'

/** A small heap, and a virtual machine that starts soon rather than peaks late. */
const FRUGAL = ['-Xmx256m', '-Xms64m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xshare:auto']
const LOGGING = join(import.meta.dirname, '..', 'log4j2.properties')

/** What Java is told: where Kafka logs, and flags of its own. */
export interface Java {
  readonly log: string
  readonly flags: readonly string[]
}

const argumentsOf = ({ log, flags }: Java, main: string, args: readonly string[]): string[] => [
  ...FRUGAL,
  ...flags,
  `-Dlog4j2.configurationFile=${LOGGING}`,
  `-Dledgate.kafka.log=${log}`,
  '-cp',
  CLASS_PATH,
  main,
  ...args,
]

/** Runs a program of Kafka's to its end. @throws when it fails, with what it said. */
export const runKafka = async (java: Java, main: string, args: readonly string[]): Promise<void> =>
  void (await promisify(execFile)('java', argumentsOf(java, main, args)))

/** Starts a program of Kafka's; what it says is in the log. */
export const spawnKafka = (java: Java, main: string, args: readonly string[]): ChildProcess =>
  spawn('java', argumentsOf(java, main, args), { stdio: 'ignore' })
