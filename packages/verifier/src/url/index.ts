/** URLs: which ones keys may be fetched from, and when two name the same resource. */
export { normalHtu } from './htu.ts'
export { secureUrl } from './secure-url.ts'
