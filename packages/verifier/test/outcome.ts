import { VerifierError } from '../src/error/index.ts'

/** `good`, or the code of the refusal; anything else that is thrown stays thrown. */
export async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work
    return 'good'
  } catch (error) {
    if (error instanceof VerifierError) return error.code
    throw error
  }
}

/** The refusal itself. */
export async function refusalOf(work: Promise<unknown>): Promise<VerifierError> {
  try {
    await work
  } catch (error) {
    if (error instanceof VerifierError) return error
    throw error
  }
  throw new Error('not refused')
}
