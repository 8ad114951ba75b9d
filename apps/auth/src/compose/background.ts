import { setTimeout as pause } from 'node:timers/promises'
import { followEvents, seldom } from '../process-manager/index.ts'
import type { Core } from './core.ts'
import type { Feed } from './feed.ts'
import type { OutgoingMail } from './mail.ts'
import type { Users } from './people.ts'
import type { Backlogs } from './process-readings.ts'
import type { Publishing } from './publishing.ts'
import { emailStream } from '../email-address/index.ts'
import { userStream } from '../user/index.ts'

/** Seconds between two looks at what is due. */
const SWEEP_EVERY = 600
const KEYS_EVERY = 60
/** Seconds after which a key is replaced by the next. */
const ROTATION_PERIOD = 30 * 86_400

/** What goes on by itself while the server runs. */
export interface Background {
  /** Stops; resolves when nothing is in hand any more. */
  stop(): Promise<void>
}

/** Follows the log with each process, and looks now and then at what is due. */
export function startBackground(
  core: Core,
  people: Users,
  { sending }: OutgoingMail,
  { feed }: Feed,
  publishing: Publishing,
  backlogs: Backlogs,
): Background {
  const { logger, clock, store, storage, views, signingKeys, feedKeys, derivationKeys } = core
  const stopping = new AbortController()
  const { signal } = stopping
  const stumbled = (name: string) => (error: unknown) => {
    if (!signal.aborted) logger.error({ err: error, process: name }, 'background task failed, retrying')
  }

  /** Does it again and again, however often it fails. */
  async function every(
    seconds: number,
    name: keyof Backlogs,
    until: AbortSignal,
    work: () => Promise<unknown>,
  ): Promise<void> {
    const [told, backlog] = [seldom(clock.nowMs, stumbled(name)), backlogs[name]]
    while (!until.aborted) {
      await work().then(
        () => backlog.over(name),
        (error: unknown) => {
          backlog.failed(name, clock.nowMs())
          told(error)
        },
      )
      await pause(seconds * 1000, undefined, { signal: until }).catch(() => {})
    }
    backlog.over(name) // whoever goes on knows how it goes
  }

  /** What one process of an installation does for all. Each of it is safe to do twice, and a waste. */
  const workOfOne = (held: AbortSignal) =>
    Promise.all([
      every(1, 'registration', held, () =>
        followEvents({
          store,
          checkpoints: views.projector.checkpoints,
          name: 'registration',
          streams: [emailStream, userStream],
          async handle(event) {
            await people.completion.complete(event)
            await people.notices.complete(event)
            await people.erasure.complete(event)
          },
          onError: stumbled('registration'),
          backlog: backlogs.registration,
          hearing: core.hearings.registration,
          signal: held,
        }),
      ),
      every(1, 'mail', held, () => sending.run(held)),
      publishing.run(held),
      every(KEYS_EVERY, 'signing keys', held, () => signingKeys.maintain(ROTATION_PERIOD)),
      every(KEYS_EVERY, 'feed keys', held, () => feedKeys.maintain(ROTATION_PERIOD)),
      every(KEYS_EVERY, 'derivation keys', held, () => derivationKeys.maintain(ROTATION_PERIOD)),
      every(SWEEP_EVERY, 'reservations', held, () => people.sweeper.sweep(held)),
      every(SWEEP_EVERY, 'erasures', held, () => storage.finishErasures()),
    ]).then(() => undefined)

  const turn = storage.turn(seldom(clock.nowMs, stumbled('lease')))
  const running = [feed.run(signal), turn.whileHeld(signal, workOfOne)]

  return {
    async stop() {
      stopping.abort()
      await Promise.all(running)
      await turn.close()
    },
  }
}
