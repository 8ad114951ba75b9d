/** The commands of the administration, for API, socket and command line. */
export { type OperatorCommand } from './command.ts'
export { operatorCommands } from './commands.ts'
export { positionIn } from './parse-position.ts'
export { isNotFound, issueLines, pathText, refusalOf } from './refusal-message.ts'
