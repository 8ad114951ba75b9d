/**
 * Reads the log of a stopped, or running, server again and says how fast:
 * `node --conditions=@ledgate/source apps/auth/src/compose/replay.ts <decode|rebuild> <log file> [<scratch folder>]`
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { openSqliteEventReader } from '@ledgate/eventstore-sqlite'
import { openProjector } from '@ledgate/projection-sqlite'
import { projections, replayDecoding, type Replayed, replayViews } from '../views/index.ts'
import { decode } from '../catalogue/index.ts'

export interface ReplayOptions {
  readonly what: 'decode' | 'rebuild'
  readonly logFile: string
  /** A folder for the views that are built, on the disk to be measured. */
  readonly scratch: string
}

/** Decodes a log, or builds all views from it in a new file of the scratch folder. */
export async function replay({ what, logFile, scratch }: ReplayOptions): Promise<Replayed> {
  const reader = await openSqliteEventReader({ file: logFile })
  try {
    if (what === 'decode') return await replayDecoding(reader)
    const folder = mkdtempSync(join(scratch, 'views-'))
    try {
      return await replayViews(reader, () =>
        openProjector({ file: join(folder, 'views.db'), reader, projections, decode }),
      )
    } finally {
      rmSync(folder, { recursive: true })
    }
  } finally {
    await reader.close()
  }
}

async function main([what, logFile, scratch = tmpdir()]: readonly string[]): Promise<void> {
  if ((what !== 'decode' && what !== 'rebuild') || logFile === undefined)
    throw new Error('usage: replay.ts <decode|rebuild> <log file> [<scratch folder>]')
  const { events, elapsedMs } = await replay({ what, logFile, scratch })
  const perSecond = Math.round((events * 1000) / Math.max(elapsedMs, 1))
  console.log(JSON.stringify({ what, events, elapsedMs: Math.round(elapsedMs), perSecond }))
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await main(process.argv.slice(2))
