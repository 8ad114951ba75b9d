/** What an operator asked for cannot be done, and the message says why: nothing is wrong with the server. */
export class Refused extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'Refused'
  }
}

/** What the command was given is malformed; the message names the members, never their values. */
export class Malformed extends Refused {
  constructor(message: string) {
    super(message)
    this.name = 'Malformed'
  }
}

/** Not now: the same command may be given again. */
export class Behind extends Refused {
  constructor() {
    super('the views have not caught up yet; try again')
    this.name = 'Behind'
  }
}

/** What was asked about is not there. */
export class Absent extends Refused {
  constructor(what: string) {
    super(`unknown ${what}`)
    this.name = 'Absent'
  }
}
