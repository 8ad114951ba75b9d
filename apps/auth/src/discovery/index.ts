/** Authorization server metadata. */
export * from './metadata.ts'
export * from './routes.ts'
