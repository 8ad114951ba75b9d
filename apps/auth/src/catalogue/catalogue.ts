import type { Catalogue } from '../log/index.ts'
import { codec } from './definitions.ts'
import { mayFill } from './filling.ts'

/** What the log is opened with. */
export const catalogue: Catalogue = { codec, mayFill }
