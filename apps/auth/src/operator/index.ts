/** What an operator of the machine can do. */
export type { OperatorCommand } from './command.ts'
export { operatorCommands, type OperatorDependencies } from './commands.ts'
export { type ControlRequest, listenForOperator, runCommand } from './control.ts'
export { positionIn } from './position.ts'
export { Absent, Behind, isAbsence, Malformed, Refused, refusalOf } from './refusal.ts'
export { socketPath } from './socket.ts'
