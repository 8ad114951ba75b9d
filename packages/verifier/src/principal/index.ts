/** Who made a request. */
export type { Confirmation, Principal } from './principal.ts'
export type { RequestContext } from './request-context.ts'
