import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

const root = join(import.meta.dirname, '..', '..', '..')
const text = readFileSync(join(root, 'docs/decisions/0035-names-of-before.md'), 'utf8')

/** The rows of a section's table: what stands in code ticks. */
const rowsOf = (section: string): string[][] =>
  section
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => [...line.matchAll(/`([^`]+)`/g)].map(([, cell = '']) => cell))

const sections = text.split(/^## /m).slice(1)

describe('the table of the names of before', () => {
  it.each(sections.map((section) => [section.split('\n', 1)[0] ?? '', section] as const))(
    '%s: leads to what is there',
    (title, section) => {
      const rows = rowsOf(section)
      expect(rows.length).toBeGreaterThan(0)
      const base = /Paths below `([^`]+)`/.exec(section)?.[1] ?? ''
      for (const [old = '', now = '', file] of rows) {
        if (file === undefined) expect(existsSync(join(root, base, now)), `${title}: ${old} became ${now}`).toBe(true)
        else expect(readFileSync(join(root, file), 'utf8'), `${title}: ${file}`).toMatch(new RegExp(`\\b${now}\\b`))
      }
    },
  )
})
