/** HTML pages without script, under a strict policy. */
export { html } from './html.ts'
export { page, PAGE_HEADERS } from './page.ts'
