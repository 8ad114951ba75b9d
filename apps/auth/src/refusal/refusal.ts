/** The error code that a refused command is answered with over HTTP. */
export type RefusalCode = 'refused' | 'not_found' | 'invalid_request' | 'temporarily_unavailable'

/** A command that is not carried out. The message is one sentence for whoever gave the command; nothing is wrong with the server. */
export abstract class Refusal extends Error {
  readonly code: RefusalCode

  constructor(code: RefusalCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = new.target.name
    this.code = code
  }
}

/** The command cannot be carried out as things are. */
export class Refused extends Refusal {
  constructor(message: string, options?: ErrorOptions) {
    super('refused', message, options)
  }
}

/** What the command names does not exist. */
export class NotFound extends Refusal {
  constructor(what: string, options?: ErrorOptions) {
    super('not_found', `unknown ${what}`, options)
  }
}

/** The input of the command is malformed; the message names the members, never their values. */
export class Malformed extends Refusal {
  constructor(message: string, options?: ErrorOptions) {
    super('invalid_request', message, options)
  }
}

/** The views do not yet hold what was written before the command: it may be repeated. */
export class ViewsBehind extends Refusal {
  constructor(options?: ErrorOptions) {
    super('temporarily_unavailable', 'the views have not caught up yet; try again', options)
  }
}
