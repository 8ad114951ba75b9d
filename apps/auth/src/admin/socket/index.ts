/** The socket in the data folder, by which the command line asks a running server. */
export { listenForOperator, runCommand } from './control.ts'
