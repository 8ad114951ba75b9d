import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { chromiumPath, openBrowser } from '../src/browser.ts'
import { type Installation, newInstallation, startServer } from '../src/server.ts'
import { ANN, WORLD } from '../src/world.ts'

const MAX = { email: 'max@example.com', password: 'a lamp below the stairs' }

/** Looks at what is there: with SCREENSHOTS=<folder> a person can, too. */
async function look(page: Page, name: string): Promise<void> {
  const folder = process.env['SCREENSHOTS']
  if (folder !== undefined) await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true })
}

const hasNoBrowser = chromiumPath === undefined && !process.env['CI']
if (hasNoBrowser) console.log('skipped: no Chromium, so nobody looks at the pages')

const [web, ...others] = WORLD.clients
const PEOPLE = {
  ...WORLD,
  clients: [{ ...web, scope: `${web?.scope} ledgate:account` }, ...others],
  users: [...WORLD.users, { ...MAX, roles: [] }],
}

let installation: Installation
let server: Awaited<ReturnType<typeof startServer>>
let browser: Browser
beforeAll(async () => {
  if (hasNoBrowser) return
  installation = await newInstallation(PEOPLE)
  ;[server, browser] = await Promise.all([startServer(installation), openBrowser()])
  return () => browser.close()
})

/** A page of the browser that complains about nothing. */
async function visit(colorScheme: 'light' | 'dark' = 'light') {
  const page = await browser.newPage({ viewport: { width: 420, height: 720 }, colorScheme })
  onTestFinished(() => page.close())
  const complaints: string[] = []
  page.on('console', (message) => void (message.type() === 'error' && complaints.push(message.text())))
  page.on('pageerror', (error) => void complaints.push(String(error)))
  page.on('request', (request) => {
    if (!request.url().startsWith(installation.url)) complaints.push(`asked elsewhere: ${request.url()}`)
  })
  return { page, complaints }
}

/** Somebody who registered, and the link that they were sent. */
async function registered() {
  const person = { email: `bob-${randomUUID()}@example.com`, password: 'seven grey herons' }
  await server.json('/accounts', person)
  return { person, token: await server.mailed(person.email) }
}

// In CI a missing browser fails the test rather than skipping it.
describe.skipIf(hasNoBrowser)('in a browser', () => {
  it('a person finds the mail, follows the link, confirms, and can sign in', async () => {
    const { page, complaints } = await visit()
    const { person } = await registered()
    await page.goto(`${installation.url}/dev/mail?to=${encodeURIComponent(person.email)}`)
    await look(page, 'mail')
    await page.getByRole('link', { name: 'Open the link' }).click()
    await look(page, 'confirm')
    await page.getByLabel('The password you registered with').fill('not this one')
    await page.getByRole('button', { name: 'Confirm' }).click()
    expect(await page.getByRole('alert').textContent()).toContain('not the password')
    await look(page, 'confirm-wrong')
    await page.getByLabel('The password you registered with').fill(person.password)
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Your address is confirmed' }).waitFor()
    await look(page, 'confirmed')
    expect((await server.signIn(person)).status).toBe(200)
    // A refused form is a 400, which the browser reports as it reports a missing picture.
    expect(complaints.filter((text) => !text.includes('status of 400'))).toEqual([])
  })

  it('a person who did not register sets a password of their own, by keyboard alone, in the dark', async () => {
    const { page, complaints } = await visit('dark')
    const { person, token } = await registered()
    await page.goto(`${installation.url}/accounts/confirm?token=${token}`)
    await page.keyboard.press('Tab')
    await page.keyboard.press('Tab')
    await page.keyboard.type('a password of my own')
    await look(page, 'confirm-dark')
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Your address is confirmed' }).waitFor()
    expect((await server.signIn(person)).status).toBe(400)
    expect((await server.signIn({ ...person, password: 'a password of my own' })).status).toBe(200)
    expect(complaints).toEqual([])
  })

  it('a person who forgot the password sets a new one behind a mailed link, once', async () => {
    const { page, complaints } = await visit()
    await server.json('/accounts/reset', { email: ANN.email })
    const link = `${installation.url}/accounts/reset?token=${await server.mailedLink(ANN.email)}`
    await page.goto(link)
    await look(page, 'reset')
    await page.getByLabel('A new password').fill('short')
    await page.getByRole('button', { name: 'Set the password' }).click()
    expect(await page.getByRole('alert').textContent()).toContain('choose another one')
    await look(page, 'reset-refused')
    await page.getByLabel('A new password').fill('a brand new harbour')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Your password is set' }).waitFor()
    await look(page, 'reset-done')
    expect((await server.signIn(ANN)).status).toBe(400)
    expect((await server.signIn({ ...ANN, password: 'a brand new harbour' })).status).toBe(200)
    expect((await page.goto(link))?.status()).toBe(400)
    expect(await page.getByRole('heading').textContent()).toBe('This link does not work any more')
    expect(complaints.filter((text) => !text.includes('status of 400'))).toEqual([])
  })

  it('a person moves to another address behind a mailed link, in the dark', async () => {
    const { page, complaints } = await visit('dark')
    const fields = { grant_type: 'password', username: MAX.email, password: MAX.password, scope: 'ledgate:account' }
    const { body } = await server.token(fields)
    const next = 'max@another.example'
    const asked = { email: next, password: MAX.password }
    expect((await server.asPerson('/accounts/me/email', String(body['access_token']), asked)).status).toBe(202)
    await page.goto(`${installation.url}/accounts/email?token=${await server.mailedLink(next)}`)
    await look(page, 'email-dark')
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Your address is changed' }).waitFor()
    await look(page, 'email-done-dark')
    expect((await server.signIn({ ...MAX, email: next })).status).toBe(200)
    expect(complaints).toEqual([])
  })

  it('a link that does nothing says so, and what to do', async () => {
    const { page } = await visit()
    const answer = await page.goto(`${installation.url}/accounts/confirm?token=m1.x.y.z`)
    expect(answer?.status()).toBe(400)
    expect(await page.getByRole('heading').textContent()).toBe('This link does not work any more')
    await look(page, 'dead-link')
  })
})
