import { setMaxListeners } from 'node:events'

/** Lets any number of listeners wait for a signal, without the warning that Node gives from the eleventh on. */
export const allowManyListeners = (signal: AbortSignal): void => setMaxListeners(0, signal)
