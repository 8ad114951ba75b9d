import { posix } from 'node:path'
import type { House } from './floors.ts'
import { type Import, importsOf } from './imports.ts'

const { dirname, join } = posix

const isTest = (file: string) => file.endsWith('.test.ts')

const isWithin = (folder: string, path: string) => path === folder || path.startsWith(`${folder}/`)

/** The floor that a file belongs to: the longest one that it lies in. */
function floorOf(house: House, file: string): string | undefined {
  return house.floors.filter((floor) => isWithin(floor, file)).sort((a, b) => b.length - a.length)[0]
}

const isAid = (house: House, file: string) => house.aids.some((folder) => isWithin(folder, file))

function upwards(house: House, file: string, target: string): string | undefined {
  if (isTest(file) && dirname(file) === '.') return undefined
  const from = floorOf(house, file)
  const to = floorOf(house, target)
  if (from === undefined || to === undefined) return `no floor for ${from === undefined ? file : target}`
  if (house.floors.indexOf(to) <= house.floors.indexOf(from)) return undefined
  if (isTest(file) && (isAid(house, target) || house.lookingUp[file]?.includes(to))) return undefined
  return `${to} stands above ${from}`
}

/** Another folder is seen through its `index.ts`, or its `events.ts`; the folders around a file are its own. */
function pastTheIndex(house: House, file: string, target: string, { kind }: Import): string | undefined {
  const folder = dirname(target)
  if (folder === '.' || isWithin(folder, dirname(file))) return undefined
  if (/\/(index|events)\.ts$/.test(target) || kind === 'import()') return undefined
  if (isTest(file) || isAid(house, file)) return undefined
  return `${target} is inside another folder: import ${folder}/index.ts`
}

function wrongInside(house: House, file: string, named: Import, specifier: string): string | undefined {
  const target = join(dirname(file), specifier)
  if (target.startsWith('..')) return isTest(file) ? undefined : `${specifier} is outside ${house.root}`
  return upwards(house, file, target) ?? pastTheIndex(house, file, target, named)
}

function wrongOutside(house: House, file: string, specifier: string): string | undefined {
  if (isTest(file) || isAid(house, file)) return undefined
  const allowed = house.modules[specifier] ?? house.modules['*']
  const floor = floorOf(house, file)
  if (allowed === 'all' || (floor !== undefined && allowed?.includes(floor))) return undefined
  return allowed
    ? `${specifier} is for ${allowed.join(', ')}`
    : `${specifier} is not among the modules of ${house.root}`
}

/** A decider is decided by its arguments alone. A type of its own folder cannot be run. */
function impure(house: House, file: string, { specifier, kind }: Import): string | undefined {
  if (house.pure === undefined || specifier === null || !file.endsWith('.decider.ts')) return undefined
  if (/^\.\/([a-z-]+\.decider|events|errors)\.ts$/.test(specifier)) return undefined
  if (kind === 'import type' && specifier.startsWith('./')) return undefined
  const imported = specifier.startsWith('.') ? dirname(join(dirname(file), specifier)) : specifier
  return house.pure.includes(imported) ? undefined : `a decider is pure: not with ${specifier}`
}

function wrong(house: House, file: string, named: Import): string | undefined {
  const { specifier } = named
  if (specifier === null) return isTest(file) ? undefined : 'a computed module name cannot be checked'
  const layered = specifier.startsWith('.')
    ? wrongInside(house, file, named, specifier)
    : wrongOutside(house, file, specifier)
  return layered ?? impure(house, file, named)
}

/**
 * What a file imports against the order of its house: `file:line: why` for each.
 *
 * @param file from the root of the house
 */
export function layeringFaults(house: House, file: string, text: string): string[] {
  return importsOf(text).flatMap((named) => {
    const why = wrong(house, file, named)
    return why === undefined ? [] : [`${house.root}/${file}:${named.line}: ${named.kind}: ${why}`]
  })
}
