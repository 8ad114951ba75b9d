/** Three significant digits, thousands separated, so that columns can be compared by eye. */
export function number(value: number | undefined): string {
  if (value === undefined) return ''
  if (!Number.isFinite(value)) return '-'
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.max(Math.abs(value), 0.01))))
  return value.toLocaleString('en-US', { maximumFractionDigits: digits })
}

export const percent = (ratio: number): string => (Number.isFinite(ratio) ? `${(ratio * 100).toFixed(1)} %` : '-')
