/** What projections and their queries share: columns and pages. */
export { flag, json, texts } from './json-column.ts'
export { LARGEST_LIMIT, limitOf, type Page } from './page.ts'
export { type PositionWaiter } from './wait-for.ts'
