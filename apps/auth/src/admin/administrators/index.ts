/** Who may administer. */
export { MAX_ADMINISTRATORS } from './administrators.decider.ts'
export { ADMINISTRATOR, type Administrators, isAble, openAdministrators } from './administrators.ts'
export { AlreadySetUp, LastAdministrator, TooManyAdministrators } from './errors.ts'
