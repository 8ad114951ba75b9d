/** `npm run bench`: measures the real server beside its limits and peers, prints tables and writes JSON. */
import { openBench } from './bench.ts'
import { parseOptions } from './options.ts'
import { countErrors, type Row } from './report/row.ts'
import { table } from './report/table.ts'
import { writeResults } from './report/write.ts'
import { scenarios } from './scenarios/index.ts'

const options = parseOptions(process.argv.slice(2))
const startedAt = new Date().toISOString()
const chosen = scenarios.filter(({ name }) => options.only.length === 0 || options.only.includes(name))
const unknown = options.only.filter((name) => !scenarios.some((scenario) => scenario.name === name))
if (unknown.length > 0) {
  console.error(`unknown: ${unknown.join(', ')}; there are: ${scenarios.map(({ name }) => name).join(', ')}`)
  process.exit(2)
}

// Ending by `exit` lets the server and the scratch folder go too.
process.once('SIGINT', () => process.exit(130))
process.once('SIGTERM', () => process.exit(143))

const rows: Row[] = []
const broken: string[] = []
{
  await using bench = await openBench(options)
  for (const scenario of chosen) {
    const began = performance.now()
    console.log(`\n${scenario.name}: ${scenario.title}`)
    try {
      const found = await scenario.run(bench)
      rows.push(...found)
      console.log(`${table(found)}\n(${((performance.now() - began) / 1000).toFixed(0)} s)`)
    } catch (error) {
      broken.push(`${scenario.name}: ${String(error)}`)
      console.error(`BROKEN ${scenario.name}:`, error)
    }
    await writeResults({ options, startedAt, rows, broken })
  }
}
const errors = countErrors(rows)
const missed = rows.flatMap((row) => row.aims ?? []).filter(({ isReached }) => !isReached)
console.log(
  `\n${missed.length} aims missed, ${errors} answers wrong, ${broken.length} scenarios broken. JSON: ${options.json}`,
)
process.exitCode = broken.length > 0 || errors > 0 ? 1 : 0
