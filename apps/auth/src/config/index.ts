/** The settings of the server: read from the environment once, and all limits with their defaults. */
export { type Config, ConfigError, Environment, readConfig, readDatabaseUser } from './config.ts'
export { type KafkaSettings } from './kafka-settings.ts'
export {
  type ClientLimits,
  DEFAULT_ANSWER_LIMITS,
  DEFAULT_HASHING_LIMITS,
  DEFAULT_LOGIN_RECORD_LIMITS,
  DEFAULT_OPENING_LIMITS,
  type HashingLimits,
  type LoginLimits,
  type LoginRecordLimits,
  type MailLimits,
  type OpeningLimits,
  type RegistrationLimits,
} from './limit-defaults.ts'
export { figureOf, limitNames } from './limits.ts'
export { LONGEST_TOKEN_CAP } from './longest-token-cap.ts'
export { wholeNumber } from './whole-number.ts'
