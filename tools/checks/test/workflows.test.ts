import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'

const root = join(import.meta.dirname, '..', '..', '..')
const Workflow = z.object({
  permissions: z.object({ contents: z.literal('read') }),
  jobs: z.record(
    z.string(),
    z.object({
      uses: z.string().optional(),
      steps: z.array(z.object({ uses: z.string().optional() })).default([]),
    }),
  ),
})

describe.each(globSync('.github/workflows/*.yml', { cwd: root }))('%s', (path) => {
  const text = readFileSync(join(root, path), 'utf8')
  const { jobs } = Workflow.parse(parse(text))

  it('names the host of no package registry', () => {
    expect(text).not.toMatch(/\bregistry\.[\w-]+\.|registry-url/)
  })

  it('names each action by its commit, with the version beside it', () => {
    const used = Object.values(jobs).flatMap(({ steps }) => steps.flatMap(({ uses }) => uses ?? []))
    expect(used.filter((uses) => !/^[\w-]+\/[\w-]+@[0-9a-f]{40}$/.test(uses))).toEqual([])
    expect(text.match(/@[0-9a-f]{40} # v\d+\.\d+\.\d+$/gm) ?? []).toHaveLength(used.length)
  })
})
