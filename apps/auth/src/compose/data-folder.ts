import { accessSync, constants, mkdirSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

/** What is ours in a data folder, with what SQLite keeps beside a database; the rest is left alone. */
const OURS = /^((events|vault|views)\.db(-wal|-shm|-journal|-lock)?|replica-lock|master\.key|mail)$/

const { R_OK, W_OK, X_OK } = constants

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : String(error)

/** Who may change that, and how; a file system that is read-only has no owner who could. */
function advice(path: string, code: string): string {
  const own = process.getuid?.()
  if (code === 'EROFS') return 'its file system is read-only'
  const { uid, mode } = statSync(path)
  const rights = (mode & 0o7777).toString(8).padStart(4, '0')
  const who = own === undefined ? '' : `, this process is user ${own}`
  return `it belongs to user ${uid} with mode ${rights}${who}: give the data folder and everything in it to who runs the server (chown -R)`
}

function assertUsable(path: string, rights: number): void {
  try {
    accessSync(path, rights)
  } catch (error) {
    const code = codeOf(error)
    throw new Error(`${path} cannot be written (${code}): ${advice(path, code)}`, { cause: error })
  }
}

/**
 * Makes the data folder when it is not there, and looks at everything of ours in it: what a restore by another user left
 * is found before anything is opened.
 *
 * @throws {Error} that names the first file or folder that this process may not read and write.
 */
export function prepareDataFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true })
  } catch (error) {
    throw new Error(`LEDGATE_DATA_DIR (${folder}) cannot be created, or is not a folder: ${codeOf(error)}`, {
      cause: error,
    })
  }
  assertUsable(folder, R_OK | W_OK | X_OK)
  for (const name of readdirSync(folder)
    .filter((each) => OURS.test(each))
    .sort()) {
    const path = join(folder, name)
    // A link that leads nowhere is made into a file by whoever opens it.
    if (statSync(path, { throwIfNoEntry: false }) !== undefined) assertUsable(path, R_OK | W_OK)
  }
}
