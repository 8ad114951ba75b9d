/**
 * What stands behind the npm scripts of this repository. It runs on whatever Node the machine has (20 or newer), brings
 * in what is missing, and goes on with the pinned Node of the repository. No dependency but Node and npm.
 */
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { showTour } from './tour.mjs'

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..')
const modules = join(root, 'node_modules')
const bin = (name) => join(modules, '.bin', name)
const stamp = join(modules, '.ledgate-installed')

const lockHash = () =>
  createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex')

function run(command, args) {
  const { status } = spawnSync(command, args, { cwd: root, stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}

const pinnedVersion = () => JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).devDependencies.node

const nodeIsPinned = () =>
  existsSync(bin('node')) &&
  spawnSync(bin('node'), ['--version'], { encoding: 'utf8' }).stdout?.trim() === `v${pinnedVersion()}`

/** Installs what the lock file says, unless that is what is there. */
function install() {
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lockHash() && nodeIsPinned()) return
  console.log('ledgate: installing what is missing; this takes about a minute the first time')
  run('npm', ['ci', '--loglevel=error'])
  // npm may be told not to run install scripts; the pinned Node comes by one.
  if (!nodeIsPinned()) run(process.execPath, [join(modules, 'node', 'installArchSpecificPackage.js')])
  if (!nodeIsPinned()) {
    console.error(`ledgate: the pinned Node ${pinnedVersion()} could not be installed`)
    process.exit(1)
  }
  writeFileSync(stamp, lockHash())
}

const nx = (targets, parallel = 2) => [
  'nx',
  ['run-many', '-t', ...targets, '--output-style=stream', `--parallel=${parallel}`],
]
const source = (file) => [
  'node',
  ['--conditions=@ledgate/source', '--disable-warning=ExperimentalWarning', join(root, file)],
]

const commands = {
  start: source('apps/auth/src/main.ts'),
  demo: source('apps/demo/src/api/main.ts'),
  ledgate: source('apps/auth/src/ledgate.ts'),
  bench: source('tools/bench/src/main.ts'),
  'install:kafka': source('tools/kafka/src/install.ts'),
  test: nx(['lint', 'typecheck', 'test']),
  'test:long': nx(['test:long'], 1),
  'test:eventstoredb': nx(['test:eventstoredb'], 1),
  soak: nx(['soak']),
  lint: nx(['lint']),
  typecheck: nx(['typecheck']),
  api: ['typedoc', ['--options', join(root, 'tools/build/typedoc.config.js')]],
  build: nx(['build', 'publint', 'attw', 'size']),
}

const demo = { LEDGATE_BOOTSTRAP: join(root, 'tools', 'bootstrap', 'demo.json') }
const quiet = {
  NX_DAEMON: 'false',
  NX_TUI: 'false',
  NX_NO_CLOUD: 'true',
  NX_SKIP_NX_CACHE: process.env.CI ? 'true' : '',
}

/** Starts the command, hands on the signals it gets and ends as it ended. */
function start(name, args) {
  const [command, own] = commands[name]
  const env = {
    ...(name === 'start' && process.env.NODE_ENV !== 'production' ? demo : {}),
    ...(command === 'nx' ? quiet : {}),
    // Node keeps what it compiled there; it is trusted as much as the code beside it.
    NODE_COMPILE_CACHE: join(modules, '.cache', 'node'),
    ...process.env,
    PATH: `${join(modules, '.bin')}:${process.env.PATH}`,
  }
  const child = spawn(bin(command), [...own, ...args], { stdio: 'inherit', env, cwd: process.cwd() })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('exit', (code, signal) => process.exit(signal ? 1 : (code ?? 1)))
  return child
}

const [name, ...args] = process.argv.slice(2)
if (!Object.hasOwn(commands, name)) {
  console.error(`ledgate: one of ${Object.keys(commands).join(', ')}, not ${name}`)
  process.exit(2)
}
if (name === 'test:eventstoredb' && !process.env.EVENTSTOREDB_URL) {
  console.error('ledgate: EVENTSTOREDB_URL names the server to test with, such as esdb://localhost:2113?tls=false')
  process.exit(2)
}
install()
const child = start(name, args)
if (name === 'start') await showTour(child)
