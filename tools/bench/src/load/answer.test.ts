import { describe, expect, it } from 'vitest'
import { readAnswer } from './answer.ts'

const sized = 'HTTP/1.1 400 Bad Request\r\nContent-Length: 11\r\nx: y\r\n\r\nhello world'
const chunked = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n'
const empty = 'HTTP/1.1 204 No Content\r\nDate: now\r\n\r\n'

describe('an answer', () => {
  it.each([
    ['with a length', sized, 400, 'hello world'],
    ['in chunks', chunked, 200, 'hello world'],
    ['without a body', empty, 204, ''],
  ])('%s is read, and only when all of it is there', (_, text, status, body) => {
    for (let length = 0; length < text.length; length += 1) {
      expect(readAnswer(Buffer.from(text.slice(0, length)))).toBeUndefined()
    }
    expect(readAnswer(Buffer.from(text))).toEqual({ status, body })
  })
})
