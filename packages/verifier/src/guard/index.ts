/** What a principal must have to be allowed a request. */
export * from './guard.ts'
