import { expect, it } from 'vitest'
import { openHousehold } from '../testing/household.ts'
import { command } from '../testing/parts.ts'
import { openIssuerEpoch } from './issuer-epoch.ts'

it('raising the issuer epoch revokes every grant and token, and does not affect later sign-ins', async () => {
  const home = await openHousehold()
  await home.create()
  const before = await home.signedIn()
  await home.installation.endAllTokens('test', command())
  expect(await home.lives(before.access_token)).toBe(false)
  expect(await home.lives(String(before.refresh_token))).toBe(false)
  await expect(home.refresh(before.refresh_token)).rejects.toMatchObject({ error: 'invalid_grant' })
  const after = await home.signedIn()
  expect(await home.lives(after.access_token)).toBe(true)
  expect(await home.lives((await home.refresh(after.refresh_token)).access_token)).toBe(true)
})

it('is true for another replica at once, and raises the epoch each time', async () => {
  const home = await openHousehold()
  const other = openIssuerEpoch(home)
  expect(await other.issuerEpoch()).toBe(0)
  await home.installation.endAllTokens('test', command())
  const first = await other.issuerEpoch()
  expect(first).toBeGreaterThanOrEqual(home.clock.now())
  await home.installation.endAllTokens('test', command())
  expect(await other.issuerEpoch()).toBeGreaterThan(first)
  expect(await openIssuerEpoch(home).issuerEpoch()).toBe(await home.installation.issuerEpoch())
})
