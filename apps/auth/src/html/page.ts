import { createHash } from 'node:crypto'
import { type Html, html } from './html.ts'

const STYLE = `
:root { color-scheme: light dark; --ink: #1c1f24; --paper: #f5f6f8; --card: #fff; --line: #8a919c; --accent: #1d4ed8; --accent-ink: #fff; --bad: #b3261e }
@media (prefers-color-scheme: dark) { :root { --ink: #e8eaee; --paper: #14161a; --card: #1e2127; --line: #7d8590; --accent: #9db8ff; --accent-ink: #10131a; --bad: #ffb4ab } }
* { box-sizing: border-box }
body { margin: 0; min-height: 100vh; background: var(--paper); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif }
main { max-width: 30rem; margin: 0 auto; padding: 3rem 1rem }
main.wide { max-width: 60rem }
.card { background: var(--card); border-radius: .75rem; padding: 1.5rem; margin: 0 0 1rem; box-shadow: 0 1px 3px rgb(0 0 0 / .2) }
h1 { font-size: 1.4rem; line-height: 1.25; margin: 0 0 .75rem }
h2 { font-size: 1.05rem; margin: 0 0 .25rem }
p { margin: 0 0 1rem }
form > p:last-child, .card > p:last-child { margin-bottom: 0 }
fieldset { border: 0; padding: 0; margin: 0 }
legend { padding: 0; margin: 0 0 .75rem }
label { display: block; font-weight: 600; margin: 0 0 .25rem }
.hint { font-size: .9rem; margin: .25rem 0 1rem }
input { width: 100%; font: inherit; color: inherit; background: transparent; border: 1px solid var(--line); border-radius: .4rem; padding: .6rem .7rem }
button { width: 100%; font: inherit; font-weight: 600; color: var(--accent-ink); background: var(--accent); border: 0; border-radius: .4rem; padding: .7rem; cursor: pointer }
a { color: var(--accent); overflow-wrap: anywhere }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px }
.bad { color: var(--bad); font-weight: 600 }
pre { white-space: pre-wrap; overflow-wrap: anywhere; font-size: .9rem; margin: 1rem 0 0 }
`

const STYLE_HASH = createHash('sha256').update(STYLE).digest('base64')

/**
 * Nothing but the page's own style and form: no script, no frame, nothing from elsewhere. The address of the page may
 * hold a secret, so no other site is told it, and nothing keeps the page.
 */
export const PAGE_HEADERS: Readonly<Record<string, string>> = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`,
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
}

export interface PageOptions {
  readonly title: string
  readonly body: Html
  /** For lists rather than forms. */
  readonly isWide?: boolean
}

/** A whole page as it is sent with {@link PAGE_HEADERS}. */
export const page = ({ title, body, isWide = false }: PageOptions): string =>
  html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${title}</title>
<style>${{ html: STYLE }}</style>
</head>
<body>
<main${isWide ? { html: ' class="wide"' } : undefined}>
${body}
</main>
</body>
</html>
`.html
