/** The command line. */
export { ask, NoServer } from './ask.ts'
export { type Ask } from './command-line.ts'
export { createProgram, type Where } from './program.ts'
export { remote } from './remote.ts'
