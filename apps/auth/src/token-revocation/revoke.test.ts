import { describe, expect, it } from 'vitest'
import { openHousehold, SOURCE } from '../testing/household.ts'
import { command, everythingIn } from '../testing/parts.ts'
import { grantStream } from '../grant/index.ts'

const from = () => ({ ...command(), source: SOURCE })

describe('a revocation', () => {
  it('keeps where it came from sealed under the key of the person whose tokens end, and readable with it', async () => {
    const { create, signedIn, revoke, store, log, sealer } = await openHousehold()
    await create()
    const { access_token, refresh_token } = await signedIn()
    await revoke(access_token, 'web', from())
    await revoke(String(refresh_token), 'web', from())
    const everything = await everythingIn(store)
    for (const type of ['TokenRevoked', 'GrantRevoked', 'SessionEnded'])
      expect(everything).toContain(`"type":"${type}"`)
    for (const part of Object.values(SOURCE)) expect(everything).not.toContain(part)
    const [, , gid = ''] = String(refresh_token).split('.')
    const [revoked] = await log.last(grantStream.of(gid))
    const { source } = revoked?.envelope ?? {}
    if (typeof source !== 'string') throw new Error('there is no sealed source')
    expect(JSON.parse(String(await sealer.unseal(source, 'source')))).toEqual(SOURCE)
  })
})
