import { command, type CommandLine, formerly, group } from './command-line.ts'

/** The commands about keys, and about all that they protect. */
export function addKeys(line: CommandLine): void {
  const { run } = line
  const keys = group(line, 'keys', 'signing, feed and derivation keys')
  command(keys, 'keys list').action(() => run('keys list'))
  command(keys, 'keys rotate')
    .argument('[use]', 'signing, feed or derivation', 'signing')
    .action((use) => run('keys rotate', { use }))
  command(keys, 'keys compromise')
    .argument('<use>', 'signing, feed or derivation')
    .argument('<kid>')
    .allowUnknownOption() // every 64th kid begins with a hyphen
    .action((use, kid) => run('keys compromise', { use, kid }))

  const tokens = group(line, 'tokens', 'all tokens of the installation')
  for (const endAll of [command(tokens, 'tokens end-all'), formerly(line, 'end-all-tokens')])
    endAll.option('--reason <text>').action(({ reason }) => run('tokens end-all', { reason }))

  const vault = group(line, 'vault', 'the vault of keys')
  for (const pending of [command(vault, 'vault pending'), formerly(line, 'pending-erasures')])
    pending.action(() => run('vault pending'))
  for (const rewrap of [command(vault, 'vault rewrap'), formerly(line, 'rewrap-vault')])
    rewrap.action(() => run('vault rewrap'))
}
