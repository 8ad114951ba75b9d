/** What an operator of the machine can do. */
export { OperatorError, type OperatorCommand } from './command.ts'
export { operatorCommands, type OperatorDependencies, refusalOf } from './commands.ts'
export { type ControlRequest, listenForOperator, runCommand } from './control.ts'
export { socketPath } from './socket.ts'
