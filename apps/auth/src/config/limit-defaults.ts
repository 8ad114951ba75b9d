import type { Delays } from '../limit/index.ts'

/** How failed authentications of clients and resource servers slow down further ones. Durations are in seconds. */
export interface ClientLimits extends Delays {
  /** Names at which one network is counted by name; its failures at all further ones count together. */
  readonly namesPerSource: number
  /** Clients, and pairs of client and network, that are remembered. */
  readonly remembered: number
}

export const DEFAULT_CLIENT_LIMITS: ClientLimits = {
  freeFailures: 5,
  firstDelay: 1,
  longestDelay: 60,
  forgetAfter: 3600,
  namesPerSource: 20,
  remembered: 100_000,
}

/** How failed sign-ins slow down further ones. Durations are in seconds. */
export interface LoginLimits extends Delays {
  /** Failures that all sources never seen at an account share, and in which time as many more come. */
  readonly sharedFailures: number
  readonly sharedPeriod: number
  /** Accounts at which one network is counted by name; its failures at all further ones count together. */
  readonly namesPerSource: number
  /** Accounts, and pairs of account and network, that are remembered. */
  readonly remembered: number
}

export const DEFAULT_LOGIN_LIMITS: LoginLimits = {
  freeFailures: 5,
  firstDelay: 1,
  longestDelay: 900,
  forgetAfter: 3600,
  sharedFailures: 100,
  sharedPeriod: 3600,
  namesPerSource: 100,
  remembered: 100_000,
}

/** How many failed sign-ins become events. */
export interface LoginRecordLimits {
  readonly perAccountAndHour: number
  readonly perSecond: number
  /** Seconds between two events about those that did not. */
  readonly summaryEvery: number
}

export const DEFAULT_LOGIN_RECORD_LIMITS: LoginRecordLimits = { perAccountAndHour: 6, perSecond: 50, summaryEvery: 60 }

/** How many emails an address receives, or a source causes. */
export interface MailLimits {
  /** Emails of one purpose to one address that one source causes. */
  readonly perAddress: number
  /** Emails of one purpose to one address that all sources cause from which its user never signed in. */
  readonly inAllPerAddress: number
  /** Emails that one source causes, to whatever addresses. */
  readonly perSource: number
  /** In seconds. */
  readonly period: number
  /** Addresses, sources, and pairs of them that are remembered. */
  readonly remembered: number
}

export const DEFAULT_MAIL_LIMITS: MailLimits = {
  perAddress: 5,
  inAllPerAddress: 20,
  perSource: 100,
  period: 3600,
  remembered: 100_000,
}

/** How many registrations are written down, whatever becomes of them. */
export interface RegistrationLimits {
  readonly perSource: number
  /** Of all sources. */
  readonly inAll: number
  /** In seconds. */
  readonly period: number
  /** Sources that are remembered. */
  readonly remembered: number
}

export const DEFAULT_REGISTRATION_LIMITS: RegistrationLimits = {
  perSource: 100,
  inAll: 5_000,
  period: 3600,
  remembered: 100_000,
}

/** When answers leave that must not tell what was done. */
export interface AnswerLimits {
  /** Milliseconds; more than the work takes that is to be hidden, and less than somebody minds who waits for a mail. */
  readonly stepMs: number
}

export const DEFAULT_ANSWER_LIMITS: AnswerLimits = { stepMs: 200 }

/** How much work may wait. */
export interface HashingLimits {
  /** Passwords that may wait for each thread. */
  readonly queuePerThread: number
}

/** About a second of waiting. */
export const DEFAULT_HASHING_LIMITS: HashingLimits = { queuePerThread: 64 }

/** How often one resource server may begin to read. */
export interface OpeningLimits {
  /** Openings at once; then one for each `perSecond`-th part of a second. */
  readonly burst: number
  readonly perSecond: number
}

export const DEFAULT_OPENING_LIMITS: OpeningLimits = { burst: 120, perSecond: 2 }
