/** Fetching within limits: of bytes, of time, and of how often. */
export { fetchBudget } from './fetch-budget.ts'
export { boundedText, fetchJsonText, type FetchLimits } from './fetch-text.ts'
