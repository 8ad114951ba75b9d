import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { copyFile, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { RunningBroker } from './broker.ts'
import { INSTALLED } from './jars.ts'

/** What no start has to do again: it takes most of the processor time of one. */
export interface Prepared {
  /** Flags with which Java has the classes of Kafka at hand, read and verified. */
  readonly flags: readonly string[]
  /** Makes a folder one that a broker without a user of its own takes for formatted. */
  format(folder: string): Promise<void>
}

/** Starts a broker in a folder, by a Java with such flags. */
export type StartWith = (data: string, flags: readonly string[]) => Promise<RunningBroker>

/** How long Java may take to write its classes down. */
const WRITING_MS = 120_000
const CLASSES = 'classes.jsa'
const CHECKPOINT = 'bootstrap.checkpoint'

/**
 * What was prepared beside the jars, by this call if by none before. Nothing where it cannot be kept: then every start does
 * all by itself.
 */
export async function prepared(start: StartWith): Promise<Prepared | undefined> {
  const kept = join(INSTALLED, `prepared-${await machine()}`)
  const [classes, checkpoint] = [`${kept}-${CLASSES}`, `${kept}-${CHECKPOINT}`]
  if (!existsSync(classes)) {
    try {
      await prepare(start, { classes, checkpoint })
    } catch {
      return undefined
    }
  }
  return {
    flags: [`-XX:SharedArchiveFile=${classes}`],
    async format(folder) {
      await mkdir(folder, { recursive: true })
      await copyFile(checkpoint, join(folder, CHECKPOINT))
      await writeFile(
        join(folder, 'meta.properties'),
        `version=1\nnode.id=1\ncluster.id=${id()}\ndirectory.id=${id()}\n`,
      )
    },
  }
}

const id = (): string => Buffer.from(crypto.randomUUID().replaceAll('-', ''), 'hex').toString('base64url')

/** Which Java runs which jars: written down classes serve no others. */
async function machine(): Promise<string> {
  const { stderr } = await promisify(execFile)('java', ['-version'])
  return createHash('sha256').update(stderr).update(INSTALLED).digest('hex').slice(0, 8)
}

/** A broker that has answered has done all that is asked of one. The classes come last: where they are, all is. */
async function prepare(start: StartWith, to: { readonly classes: string; readonly checkpoint: string }): Promise<void> {
  const data = await mkdtemp(join(tmpdir(), 'ledgate-kafka-'))
  try {
    const classes = join(data, CLASSES)
    const broker = await start(data, [`-XX:ArchiveClassesAtExit=${classes}`])
    process.kill(broker.pid, 'SIGTERM')
    const timer = setTimeout(() => process.kill(broker.pid, 'SIGKILL'), WRITING_MS)
    await broker.ended.finally(() => clearTimeout(timer))
    await keep(join(data, 'log', CHECKPOINT), to.checkpoint)
    await keep(classes, to.classes)
  } finally {
    await rm(data, { recursive: true, force: true })
  }
}

/** Whole or not at all, and with no harm by another that does the same. */
async function keep(file: string, at: string): Promise<void> {
  const incoming = `${at}.${process.pid}`
  await copyFile(file, incoming)
  await rename(incoming, at)
}
