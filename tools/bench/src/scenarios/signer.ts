import { atFullLoad, compareSigners } from '../peers/fastest-signer.ts'
import type { Scenario } from '../scenario.ts'

/** Which way of signing makes a token endpoint faster; the answer chooses the `Signer` of the server. */
export const signer: Scenario = {
  name: 'signer',
  title: 'signing-only route: three ways with node:crypto beside jose',
  run: async (bench) => [...(await compareSigners(bench, 1)).rows, ...(await atFullLoad(bench)).rows],
}
