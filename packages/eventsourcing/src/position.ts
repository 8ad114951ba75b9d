import { InvalidPosition } from './errors.ts'

declare const brand: unique symbol

/**
 * A position in the whole log. Opaque, and created only by a store: two positions of one store compare as strings (`<`, `===`)
 * in commit order. A text from elsewhere has to be parsed by the store ({@link EventStore.parsePosition}).
 */
export type Position = string & { readonly [brand]: 'Position' }

/** The position before the first event of any log: smaller than every other position. */
export const START = '' as Position

/** For implementations of stores: creates the parser for the positions of a store. */
export function positionParser(isPosition: (text: string) => boolean): (text: string) => Position {
  return (text) => {
    if (!isPosition(text)) throw new InvalidPosition()
    return text as Position
  }
}

export interface PositionParser {
  parsePosition(text: string): Position
}

/**
 * Parses a position that was stored as a text; an empty text is `START`.
 *
 * @throws {InvalidPosition} when the store never returns such a position.
 */
export const keptPosition = ({ parsePosition }: PositionParser, text: string): Position =>
  text === START ? START : parsePosition(text)
