import { RevocationError } from '../error/index.ts'

/** A line of the feed is longer than any statement. */
export class LineTooLong extends RevocationError {
  override readonly name = 'LineTooLong'
  readonly code = 'ERR_LINE_TOO_LONG'

  constructor(most: number) {
    super(`a line of the feed is longer than ${most} characters`)
  }
}

/** Splits a text that comes in parts into lines. */
export interface LineCutter {
  /** Takes the next part. @returns the lines that are complete with it. @throws {LineTooLong} */
  take(text: string): readonly string[]
  /** Ends the text. @returns its last line, if it has no line end. */
  end(): readonly string[]
}

/**
 * Splits text into lines, which end with LF, CRLF or CR as in the HTML standard.
 *
 * @param most the most characters of one line.
 */
export function lineCutter(most: number): LineCutter {
  let parts: string[] = []
  let length = 0
  let endsWithReturn = false

  function keep(part: string): void {
    length += part.length
    if (length > most) throw new LineTooLong(most)
    parts.push(part)
  }

  function whole(): string {
    const line = parts.join('')
    parts = []
    length = 0
    return line
  }

  return {
    take(text) {
      // The LF of a CRLF that is split over two parts ends no line of its own.
      const rest = endsWithReturn && text.startsWith('\n') ? text.slice(1) : text
      if (text !== '') endsWithReturn = text.endsWith('\r')
      const pieces = rest.split(/\r\n|\r|\n/)
      const last = pieces.pop() ?? ''
      const lines = pieces.map((piece) => {
        keep(piece)
        return whole()
      })
      keep(last)
      return lines
    },
    end: () => (length === 0 ? [] : [whole()]),
  }
}
