/** What is true of all there is. */
export * from './installation.ts'
export * from './token-cap.ts'
