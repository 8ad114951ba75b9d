import { type Browser, chromium } from 'playwright-core'
import { pathOf } from './machine.ts'

/** Where the machine has a Chromium; `undefined` when it has none. */
export const chromiumPath: string | undefined = ['chromium', 'chromium-browser', 'google-chrome']
  .map(pathOf)
  .find((path) => path !== undefined)

/** A browser without a window. The superuser, as in most containers, has to do without its sandbox. */
export const openBrowser = (): Promise<Browser> =>
  chromium.launch({
    executablePath: chromiumPath ?? 'chromium',
    args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
  })
