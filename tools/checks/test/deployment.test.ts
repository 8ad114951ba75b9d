import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Environment } from '@ledgate/auth'
import { DCLinter } from 'dclint'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'

const root = join(import.meta.dirname, '../../..')
const read = (file: string) => readFileSync(join(root, file), 'utf8')

interface Service {
  readonly image?: string
  readonly environment?: Readonly<Record<string, string>>
  readonly read_only?: boolean
  readonly cap_drop?: readonly string[]
}
const servicesOf = (file: string) =>
  (parse(read(file), { merge: true }) as { services: Record<string, Service> }).services

const FILES = ['docker-compose.yml', 'docker-compose.cluster.yml']

interface Finding {
  readonly rule: string
  readonly line: number
  readonly message: string
}

/** What is wrong with a compose file by the schema of the Compose Specification. */
function schemaErrors(path: string): readonly string[] {
  const linter = new DCLinter({ rules: {}, quiet: true, debug: false, exclude: [] } as never)
  const files: readonly { readonly messages: readonly Finding[] }[] = linter.lintFiles([path], false)
  return files
    .flatMap(({ messages }) => messages)
    .filter(({ rule }) => rule === 'invalid-schema' || rule === 'invalid-yaml')
    .map(({ line, message }) => `${line}: ${message}`)
}

describe.each(FILES)('%s', (file) => {
  it('fits the Compose Specification', () => {
    expect(schemaErrors(join(root, file))).toEqual([])
  })

  it('sets nothing that Ledgate does not know, and runs it with as little as it needs', () => {
    const { ledgate } = servicesOf(file)
    const settings = Object.keys(ledgate?.environment ?? {}).filter((name) => name.startsWith('LEDGATE_'))
    expect(settings.length).toBeGreaterThan(3)
    for (const name of settings) expect(Object.keys(Environment.shape)).toContain(name)
    expect(ledgate).toMatchObject({ read_only: true, cap_drop: ['ALL'], security_opt: ['no-new-privileges:true'] })
  })

  it('names every image with its version, and KurrentDB by the variables of today', () => {
    for (const [name, { image = '', environment = {} }] of Object.entries(servicesOf(file))) {
      expect(image, name).toMatch(/:(?!latest$)[\w.-]+$/)
      expect(
        Object.keys(environment).filter((each) => /^EVENTSTORE_|_(EXT|INT)_|_HTTP_PORT$/.test(each)),
        name,
      ).toEqual([])
    }
  })
})

describe('the schema check', () => {
  it('finds what is wrong: the control', () => {
    const wrong = join(import.meta.dirname, 'wrong-compose.yml')
    expect(schemaErrors(wrong).length).toBeGreaterThan(0)
  })
})

describe('Dockerfile', () => {
  const lines = read('Dockerfile').split('\n')

  it('copies what is there', () => {
    const sources = lines
      .filter((line) => line.startsWith('COPY ') && !line.includes('--from='))
      .flatMap((line) => line.split(' ').slice(1, -1))
    expect(sources.length).toBeGreaterThan(3)
    for (const source of sources) expect(existsSync(join(root, source)), source).toBe(true)
  })

  it('runs on the Node of the repository, and not as root', () => {
    const { devDependencies } = JSON.parse(read('package.json')) as { devDependencies: { node: string } }
    const major = devDependencies.node.split('.')[0]
    const images = lines.filter((line) => line.startsWith('FROM '))
    expect(images.length).toBe(2)
    for (const image of images) expect(image).toMatch(new RegExp(`node(js)?:?${major}\\b`))
    expect(lines).toContain('USER nonroot')
  })
})
