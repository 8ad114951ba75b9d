/**
 * Brings the jars of the broker, and prepares what its starts have in common: `node tools/kafka/src/install.ts`. With `--lock`
 * it writes `jars.sha256` anew before.
 */
import { parseArgs } from 'node:util'
import { prepareBroker } from './broker.ts'
import { hasJava, installJars, isInstalled, lockJars } from './jars.ts'

const { values } = parseArgs({ options: { lock: { type: 'boolean', default: false } } })
await (values.lock ? lockJars() : installJars())
if (isInstalled() && hasJava()) await prepareBroker()
