/** Loaded by `node --import`: changes sources while they are loaded, as `PRETENDED` says. */
import { registerHooks } from 'node:module'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { pretend, type Pretended } from './pretend.ts'

const root = join(import.meta.dirname, '..', '..', '..')
const changes = JSON.parse(process.env['PRETENDED'] ?? '[]') as readonly Pretended[]

registerHooks({
  load(url, context, next) {
    const loaded = next(url, context)
    if (!url.startsWith('file:') || !loaded.source) return loaded
    const file = relative(root, fileURLToPath(url))
    if (!changes.some((change) => change.file === file)) return loaded
    return { ...loaded, source: pretend(file, loaded.source.toString(), changes) }
  },
})
