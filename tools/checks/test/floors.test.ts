import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type House, houses } from '../src/floors.ts'
import { layeringFaults } from '../src/layering.ts'

const root = join(import.meta.dirname, '..', '..', '..')

function filesOf(house: House): string[] {
  const base = join(root, house.root)
  return readdirSync(base, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => relative(base, join(entry.parentPath, entry.name)))
}

const read = (house: House, file: string) => readFileSync(join(root, house.root, file), 'utf8')

describe.each(houses)('$root', (house) => {
  it('imports nothing upwards, nothing past an index, and no module that is not for its floor', () => {
    expect(filesOf(house).flatMap((file) => layeringFaults(house, file, read(house, file)))).toEqual([])
  })

  it('has files on each floor, and uses each exception', () => {
    const files = filesOf(house)
    expect(house.floors.filter((floor) => !files.some((file) => `${file}/`.startsWith(`${floor}/`)))).toEqual([])
    for (const [file, floors] of Object.entries(house.lookingUp)) {
      const strict = { ...house, lookingUp: {} }
      const faults = layeringFaults(strict, file, read(house, file)).join('\n')
      for (const floor of floors) expect(faults, file).toContain(`${floor} stands above`)
    }
  })
})
