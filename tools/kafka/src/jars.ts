import { execFile, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { createReadStream, existsSync, mkdtempSync, readFileSync } from 'node:fs'
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'

const HOME = join(import.meta.dirname, '..')
const LIB = join(HOME, 'lib')
const POM = join(HOME, 'pom.xml')
/** The name and SHA-256 of every jar, as `sha256sum` writes them. */
const LOCK = join(HOME, 'jars.sha256')

/** Of what is asked for and what may come: jars of another lock are other jars. */
const digest = createHash('sha256').update(readFileSync(POM)).update(readFileSync(LOCK)).digest('hex').slice(0, 16)
/** The folder of the jars, and of what is made of them. */
export const INSTALLED = join(LIB, digest)

/** What Java takes as its class path. */
export const CLASS_PATH = join(INSTALLED, '*')

/** Whether all jars of the lock are there. */
export const isInstalled = (): boolean => existsSync(INSTALLED)

/** Whether there is a Java to run them. */
export const hasJava = (): boolean => spawnSync('java', ['-version'], { stdio: 'ignore' }).status === 0

/**
 * Copies the jars from Maven Central, or wherever the machine's Maven takes them from, and keeps them only if they are the
 * ones of the lock. Does nothing when they are there; two that install at once do not disturb each other.
 *
 * @throws {Error} when Maven fails, or a jar is missing, strange or not the one of the lock.
 */
export async function installJars(): Promise<void> {
  if (isInstalled()) return
  const incoming = await copyJars()
  try {
    const found = await lockOf(incoming)
    if (found !== readFileSync(LOCK, 'utf8')) throw new Error('the jars that came are not those of jars.sha256')
    await rename(incoming, INSTALLED).catch((error: unknown) => {
      if (!isInstalled()) throw error
    })
  } finally {
    await rm(incoming, { recursive: true, force: true })
  }
  for (const old of await readdir(LIB))
    if (old !== digest && !old.startsWith(INCOMING)) await rm(join(LIB, old), { recursive: true, force: true })
}

/** Writes the lock anew, after `pom.xml` was changed. */
export async function lockJars(): Promise<void> {
  const incoming = await copyJars()
  try {
    await writeFile(LOCK, await lockOf(incoming))
  } finally {
    await rm(incoming, { recursive: true, force: true })
  }
}

const INCOMING = 'incoming-'

async function copyJars(): Promise<string> {
  await mkdir(LIB, { recursive: true })
  const folder = mkdtempSync(join(LIB, INCOMING))
  const goal = ['dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${folder}`]
  await promisify(execFile)('mvn', ['-q', '-B', '-f', POM, ...goal]).catch(async (error: unknown) => {
    await rm(folder, { recursive: true, force: true })
    throw new Error('Maven could not bring the jars of Kafka', { cause: error })
  })
  return folder
}

async function lockOf(folder: string): Promise<string> {
  const lines = []
  for (const jar of (await readdir(folder)).sort()) {
    const hash = createHash('sha256')
    await pipeline(createReadStream(join(folder, jar)), hash)
    lines.push(`${hash.digest('hex')}  ${jar}\n`)
  }
  return lines.join('')
}
