/** Mails: asked for by an event, sent by whoever follows the log. */
export * from './events.ts'
export * from './link.ts'
export * from './request.ts'
