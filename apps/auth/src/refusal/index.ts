/** Commands that are not carried out, and why. */
export { Malformed, NotFound, Refusal, type RefusalCode, Refused, ViewsBehind } from './refusal.ts'
