/** What an operator of the machine can do. */
export type { OperatorCommand } from './command.ts'
export { operatorCommands, type OperatorDependencies } from './commands.ts'
export { type ControlRequest, listenForOperator, runCommand } from './control.ts'
export { positionIn } from './position.ts'
export { isAbsence, refusalOf } from './refusal.ts'
export { Absent, Behind, Malformed, Refused } from './refused.ts'
export { socketPath } from './socket.ts'
