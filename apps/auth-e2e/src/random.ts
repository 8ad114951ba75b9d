/** The seed of this run: what `SEED` says, or any. It is printed, so that a bad run can be run again. */
export function seedOfRun(): number {
  const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31))
  console.log(`SEED=${seed}`)
  return seed
}
