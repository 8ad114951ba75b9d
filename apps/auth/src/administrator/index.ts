/** Who may administer. */
export * from './administrators.ts'
export * from './errors.ts'
