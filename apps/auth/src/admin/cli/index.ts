/** The command line. */
export { ask, NoServer } from './ask.ts'
export { type Ask, program, type Where } from './program.ts'
export { remote } from './remote.ts'
