/**
 * Brings the jars of the broker: `node tools/kafka/src/install.ts`. With `--lock` it writes `jars.sha256` anew instead.
 */
import { parseArgs } from 'node:util'
import { installJars, lockJars } from './jars.ts'

const { values } = parseArgs({ options: { lock: { type: 'boolean', default: false } } })
await (values.lock ? lockJars() : installJars())
