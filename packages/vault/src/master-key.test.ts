import { mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { describe, expect, it } from 'vitest'
import { developmentMasterKey, parseMasterKey } from './index.ts'

const folder = () => join(mkdtempSync(join(tmpdir(), 'ledgate-key-')), 'data')
const TEXT = Buffer.alloc(32, 9).toString('base64url')

describe('a master key', () => {
  it('is 32 bytes in base64url', () => {
    expect(Buffer.from(parseMasterKey(TEXT))).toEqual(Buffer.alloc(32, 9))
  })

  it.each(['', 'hunter2', `${TEXT}=`, TEXT.slice(1), `${TEXT.slice(1)}+`, `${TEXT}\n`, ` ${TEXT.slice(1)}`])(
    'is refused as %j, with a message that names the setting and does not repeat the value',
    (text) => {
      expect(() => parseMasterKey(text)).toThrow(/^LEDGATE_MASTER_KEY is not 32 bytes in base64url$/)
    },
  )
})

describe('the development master key', () => {
  it('is created once, readable by the owner only', () => {
    const data = folder()
    const first = developmentMasterKey(data)
    expect(developmentMasterKey(data)).toEqual(first)
    expect(readFileSync(join(data, 'master.key'), 'utf8').trim()).toBe(Buffer.from(first).toString('base64url'))
    expect(statSync(join(data, 'master.key')).mode & 0o777).toBe(0o600)
    expect(readdirSync(data)).toEqual(['master.key'])
  })

  it('is the same for concurrent processes that create it', async () => {
    const module = new URL('./master-key.ts', import.meta.url).href
    for (let round = 0; round < 5; round += 1) {
      const data = folder()
      const code = `import('${module}').then(({ developmentMasterKey: make }) =>
        require('node:worker_threads').parentPort.postMessage(Buffer.from(make(${JSON.stringify(data)})).toString('hex')))`
      const made = Array.from(
        { length: 4 },
        () =>
          new Promise((resolve, reject) => new Worker(code, { eval: true }).on('message', resolve).on('error', reject)),
      )
      expect(new Set(await Promise.all(made)).size).toBe(1)
      expect(readdirSync(data)).toEqual(['master.key'])
    }
  })

  it('is never replaced, even when it is damaged', () => {
    const data = folder()
    developmentMasterKey(data)
    writeFileSync(join(data, 'master.key'), 'half')
    expect(() => developmentMasterKey(data)).toThrow('LEDGATE_MASTER_KEY')
    expect(readFileSync(join(data, 'master.key'), 'utf8')).toBe('half')
  })
})
