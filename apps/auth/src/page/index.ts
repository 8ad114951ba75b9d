/** Pages that people see: HTML without script, under a strict policy. */
export * from './html.ts'
export * from './page.ts'
