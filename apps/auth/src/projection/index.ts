/** What projections and their queries share: how one is defined, columns and pages. */
export { defineProjection, type ProjectionDefinition } from './define-projection.ts'
export { flag, json, texts } from './json-column.ts'
export { LARGEST_LIMIT, limitOf, type Page } from './page.ts'
export { type PositionWaiter } from './wait-for.ts'
