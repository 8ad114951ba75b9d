/** Text that is HTML already. */
export interface Html {
  readonly html: string
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

const escape = (text: string) => text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '')

type Part = string | Html | readonly Html[] | undefined

function rendered(part: Part): string {
  if (part === undefined) return ''
  if (typeof part === 'string') return escape(part)
  return 'html' in part ? part.html : part.map(({ html }) => html).join('')
}

/** A template whose values are escaped, unless they are HTML themselves. Values in attributes belong in quotes. */
export const html = (strings: TemplateStringsArray, ...parts: readonly Part[]): Html => ({
  html: strings.map((text, index) => text + rendered(parts[index])).join(''),
})
