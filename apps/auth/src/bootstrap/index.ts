/** What there is from the first start on: clients, resource servers and people of a file. */
export * from './apply.ts'
export * from './file.ts'
export * from './applied.ts'
