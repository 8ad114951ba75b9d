import { join } from 'node:path'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'
import { errorDescriptions, logMessages, sourceFiles } from './messages.ts'

const root = join(import.meta.dirname, '..', '..', '..')
const sources = ['apps/auth/src', 'packages/oauth/src', 'packages/verifier/src'].flatMap((folder) =>
  sourceFiles(join(root, folder)),
)

const listOf = (texts: readonly string[]) => texts.map((text) => `- ${text}`).join('\n')

const page = (descriptions: readonly string[], messages: readonly string[]) => `# Messages

Every text of an error response and every message of the server log; … stands for an inserted value. The codes are in
[errors.md](errors.md). A test compares this page with the source; \`vitest -u\` in \`tools/checks\` rewrites it.

<!-- prettier-ignore-start -->

## Error descriptions

${listOf(descriptions)}

## Log messages

${listOf(messages)}

<!-- prettier-ignore-end -->
`

describe('docs/messages.md', () => {
  it('lists every error description and every log message of the source', async () => {
    const expected = page(errorDescriptions(sources), logMessages(sources))
    await expect(expected).toMatchFileSnapshot('../../../docs/messages.md')
  })
})

describe('the search for messages', () => {
  const parsed = (text: string) => [ts.createSourceFile('x.ts', text, ts.ScriptTarget.Latest, true)]

  it('finds the description of an error class, of its subclasses and of their uses', () => {
    const text = `
      class Mine extends OAuthError { constructor(why: string) { super('mine', 400, \`it is \${why}\`) } }
      class Other extends OAuthError { constructor(text = 'by default') { super('other', 400, text, { cause }) } }
      class Third extends Other {}
      throw new Third('said by the caller', { detail: 'not sent' })
      throw new Mine('never seen as such')
      throw new OAuthError('direct', 400, isLate ? 'too late' : 'too early')`
    expect(errorDescriptions(parsed(text))).toEqual(
      ['by default', 'it is …', 'said by the caller', 'too early', 'too late'].sort(),
    )
  })

  it('finds the message of a log call, with an object before it and without one', () => {
    const text = `logger.warn({ err }, 'with an object'); request.log.info('alone'); this.error('no log')`
    expect(logMessages(parsed(text))).toEqual(['alone', 'with an object'])
  })
})
