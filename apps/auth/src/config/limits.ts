import {
  type AnswerLimits,
  type ClientLimits,
  DEFAULT_ANSWER_LIMITS,
  DEFAULT_CLIENT_LIMITS,
  DEFAULT_HASHING_LIMITS,
  DEFAULT_LOGIN_LIMITS,
  DEFAULT_LOGIN_RECORD_LIMITS,
  DEFAULT_MAIL_LIMITS,
  DEFAULT_OPENING_LIMITS,
  DEFAULT_REGISTRATION_LIMITS,
  type HashingLimits,
  type LoginLimits,
  type LoginRecordLimits,
  type MailLimits,
  type OpeningLimits,
  type RegistrationLimits,
} from './limit-defaults.ts'

/** Everything that is rate limited (design §6). */
export interface Limits {
  readonly client: ClientLimits
  readonly login: LoginLimits
  readonly record: LoginRecordLimits
  readonly mail: MailLimits
  readonly registration: RegistrationLimits
  readonly answer: AnswerLimits
  readonly hashing: HashingLimits
  readonly feed: OpeningLimits
}

/** A figure by its place among the limits. */
interface Figure {
  of(limits: Limits): number
  with(limits: Limits, value: number): Limits
}

const setting = <Part extends keyof Limits>(part: Part, member: keyof Limits[Part]): Figure => ({
  of: (limits) => Number(limits[part][member]),
  with: (limits, value) => ({ ...limits, [part]: { ...limits[part], [member]: value } }),
})

/** Each limit by the name it is configured with. Periods are in seconds, unless the name says otherwise. */
const settings = {
  client_free_failures: setting('client', 'freeFailures'),
  client_first_delay: setting('client', 'firstDelay'),
  client_longest_delay: setting('client', 'longestDelay'),
  client_forget_after: setting('client', 'forgetAfter'),
  client_names_per_source: setting('client', 'namesPerSource'),
  client_remembered: setting('client', 'remembered'),
  login_free_failures: setting('login', 'freeFailures'),
  login_first_delay: setting('login', 'firstDelay'),
  login_longest_delay: setting('login', 'longestDelay'),
  login_forget_after: setting('login', 'forgetAfter'),
  login_shared_failures: setting('login', 'sharedFailures'),
  login_shared_period: setting('login', 'sharedPeriod'),
  login_names_per_source: setting('login', 'namesPerSource'),
  login_remembered: setting('login', 'remembered'),
  login_events_per_hour: setting('record', 'perAccountAndHour'),
  login_events_per_second: setting('record', 'perSecond'),
  login_summary_every: setting('record', 'summaryEvery'),
  mail_per_address: setting('mail', 'perAddress'),
  mail_in_all_per_address: setting('mail', 'inAllPerAddress'),
  mail_per_source: setting('mail', 'perSource'),
  mail_period: setting('mail', 'period'),
  mail_remembered: setting('mail', 'remembered'),
  registration_per_source: setting('registration', 'perSource'),
  registration_in_all: setting('registration', 'inAll'),
  registration_period: setting('registration', 'period'),
  registration_remembered: setting('registration', 'remembered'),
  answer_step_ms: setting('answer', 'stepMs'),
  hashing_queue_per_thread: setting('hashing', 'queuePerThread'),
  feed_openings_at_once: setting('feed', 'burst'),
  feed_openings_per_second: setting('feed', 'perSecond'),
} satisfies Record<string, Figure>

export type LimitName = keyof typeof settings

export const limitNames = Object.keys(settings) as readonly LimitName[]

export const isLimitName = (name: string): name is LimitName => Object.hasOwn(settings, name)

/** What a limit may be at most. A timer of Node that is told more than 2^31 milliseconds does not wait at all. */
export const largestOf = (name: LimitName): number => (name.endsWith('_ms') ? 60_000 : 9_999_999_999)

export const DEFAULT_LIMITS: Limits = {
  client: DEFAULT_CLIENT_LIMITS,
  login: DEFAULT_LOGIN_LIMITS,
  record: DEFAULT_LOGIN_RECORD_LIMITS,
  mail: DEFAULT_MAIL_LIMITS,
  registration: DEFAULT_REGISTRATION_LIMITS,
  answer: DEFAULT_ANSWER_LIMITS,
  hashing: DEFAULT_HASHING_LIMITS,
  feed: DEFAULT_OPENING_LIMITS,
}

/** The limits with some of them set otherwise. */
export const limitsWith = (changed: Readonly<Partial<Record<LimitName, number>>>): Limits =>
  Object.entries(changed).reduce(
    (limits, [name, value]) => (isLimitName(name) ? settings[name].with(limits, value) : limits),
    DEFAULT_LIMITS,
  )

/** The figure of a limit. */
export const figureOf = (name: LimitName, limits: Limits = DEFAULT_LIMITS): number => settings[name].of(limits)
