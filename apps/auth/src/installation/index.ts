/** What is true of all there is. */
export * from './installation.ts'
