/** The command line. */
export { askServer, NoServer } from './ask.ts'
export { type Ask } from './command-line.ts'
export { createProgram, type Where } from './program.ts'
export { createRemote } from './remote.ts'
