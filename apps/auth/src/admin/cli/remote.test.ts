import { expect, it } from 'vitest'
import { createRemote } from './remote.ts'
import { Refused } from '../../refusal/index.ts'

it.each(['https://ops:hunter2@id.example.com', 'http://ops:hunter2@', 'ftp://hunter2', 'hunter2', ''])(
  'asks no server at %s, and does not repeat it',
  (server) => {
    let refusal: unknown
    try {
      createRemote({ server, tokenFile: 'token' })
    } catch (error) {
      refusal = error
    }
    expect(refusal).toBeInstanceOf(Refused)
    expect(String(refusal)).not.toContain('hunter2')
  },
)
