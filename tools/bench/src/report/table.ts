import { number, percent } from './number.ts'
import type { Row } from './row.ts'

const HEAD = ['what', 'in flight', 'figure', 'unit', 'p50 ms', 'p99 ms', 'errors', 'ratio', 'aim', 'note']
const NUMERIC = new Set([1, 2, 4, 5, 6])

/** The rows of one scenario as aligned text; further ratios and aims of a row get lines of their own. */
export function table(rows: readonly Row[]): string {
  const lines = [HEAD, ...rows.flatMap(cellsOf)]
  const widths = HEAD.map((_, column) => Math.max(...lines.map((cells) => cells[column]?.length ?? 0)))
  const [head = '', ...body] = lines.map((cells) => aligned(cells, widths))
  return [head, '-'.repeat(head.length), ...body].join('\n')
}

function aligned(cells: readonly string[], widths: readonly number[]): string {
  const pad = (width: number, column: number): string =>
    NUMERIC.has(column) ? (cells[column] ?? '').padStart(width) : (cells[column] ?? '').padEnd(width)
  return widths.map(pad).join('  ').trimEnd()
}

function cellsOf(row: Row): readonly (readonly string[])[] {
  const ratios = (row.beside ?? []).map(({ peer, ratio }) => `${percent(ratio)} of ${peer}`)
  const aims = (row.aims ?? []).map(({ text, isReached }) => `${isReached ? 'reached' : 'MISSED '} ${text}`)
  const first = [...figuresOf(row), ratios[0] ?? '', aims[0] ?? '', row.note ?? '']
  const further = Math.max(0, ratios.length - 1, aims.length - 1)
  return [first, ...Array.from({ length: further }, (_, index) => continued(ratios[index + 1], aims[index + 1]))]
}

const continued = (ratio = '', aim = ''): string[] => [...Array<string>(7).fill(''), ratio, aim]

function figuresOf(row: Row): string[] {
  const errors = Object.entries(row.errors ?? {}).map(([status, count]) => `${count}x${status}`)
  const { what, inFlight, value, unit, p50, p99 } = row
  return [
    what,
    inFlight === undefined ? '' : String(inFlight),
    number(value),
    unit,
    number(p50),
    number(p99),
    errors.join(' '),
  ]
}
