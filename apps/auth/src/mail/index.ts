/** Mails: asked for by an event, sent by whoever follows the log. */
export * from './events.ts'
export * from './link.ts'
export * from './mailbox.ts'
export * from './mailer.ts'
export * from './request.ts'
export * from './routes.ts'
export * from './sending.ts'
