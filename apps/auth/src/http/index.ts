/** The edge of the server: no rule of OAuth is here. */
export * from './cors.ts'
export * from './error-handler.ts'
export * from './form.ts'
export * from './logger.ts'
export * from './openapi.ts'
export * from './parse.ts'
export * from './prefer.ts'
export * from './request-context.ts'
