import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { TemporarilyUnavailable } from '@ledgate/oauth'
import { Piscina } from 'piscina'
import { createFairQueue } from '../limit/index.ts'
import { isPossiblePassword, MAX_PASSWORD, normalizePassword } from './password.ts'
import { InvalidPassword } from './password-policy.ts'
import type { PasswordTask } from './password-worker.ts'
import { DEFAULT_HASHING_LIMITS, type HashingLimits } from '../config/index.ts'

/**
 * Passwords to hashes and back to yes or no. `owner` is whoever the work is for: owners take turns, and none of them fills the
 * queue for the others; without one it is for the system.
 */
export interface PasswordHasher {
  /**
   * The argon2id hash in PHC form.
   *
   * @throws {InvalidPassword} when `verify` could never say yes to it.
   * @throws {TemporarilyUnavailable} when too many are waiting.
   */
  hash(password: string, owner?: string): Promise<string>
  /** @throws {TemporarilyUnavailable} when too many are waiting. */
  verify(phc: string, password: string, owner?: string): Promise<boolean>
  /** Finishes what is in hand. */
  close(): Promise<void>
}

export interface PasswordHasherOptions extends Partial<HashingLimits> {
  /** Default: one thread per core. */
  readonly threads?: number
}

/** The next one is there when a thread ends its last. */
const TASKS_PER_THREAD = 2

/** Whose work no one asked for over the network. */
const SYSTEM = 'system'

/** Low enough that a thread that signs or serves always goes first. */
const NICE = 10

/** How long a client should wait when the queue was full, in seconds. */
const RETRY_AFTER = 1

/**
 * Hashes in threads of its own, below the priority of everything else, with a bounded queue. A password that cannot be
 * anybody's is checked all the same, so that it costs as much as any other, and is refused.
 */
export function createPasswordHasher(options: PasswordHasherOptions = {}): PasswordHasher {
  const threads = options.threads ?? availableParallelism()
  const maxQueue = threads * (options.queuePerThread ?? DEFAULT_HASHING_LIMITS.queuePerThread)
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  const startPool = () =>
    new Piscina<PasswordTask, string | boolean>({
      filename: fileURLToPath(new URL(`./password-worker.${extension}`, import.meta.url)),
      name: 'work',
      minThreads: threads,
      maxThreads: threads,
      concurrentTasksPerWorker: TASKS_PER_THREAD,
      niceIncrement: NICE,
    })
  // At the first password: most commands, and many starts, come to none.
  let pool: ReturnType<typeof startPool> | undefined
  const refused = () =>
    new TemporarilyUnavailable('too many passwords are waiting to be hashed', { retryAfter: RETRY_AFTER })
  const atOnce = threads * TASKS_PER_THREAD
  // The pool's own limit does not count tasks that came before its threads were up.
  const queue = createFairQueue({ atOnce, maxWaiting: Math.max(0, threads + maxQueue - atOnce), refused })

  const run = (task: PasswordTask, owner: string) => queue.run(owner, () => (pool ??= startPool()).run(task))

  return {
    async hash(password, owner = SYSTEM) {
      // Here, since every password passes: what could not be verified is never taken.
      if (!isPossiblePassword(password))
        throw new InvalidPassword(`a password is text of at most ${MAX_PASSWORD} characters`)
      return String(await run({ kind: 'hash', password: normalizePassword(password) }, owner))
    },
    async verify(phc, password, owner = SYSTEM) {
      const isPossible = isPossiblePassword(password)
      const fits = await run({ kind: 'verify', phc, password: isPossible ? normalizePassword(password) : '' }, owner)
      return isPossible && fits === true
    },
    close: async () => pool?.close(),
  }
}
