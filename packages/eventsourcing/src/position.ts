import { InvalidPosition } from './errors.ts'

declare const brand: unique symbol

/**
 * A place in the whole log. Opaque, and only a store makes one: two positions of one store compare as strings
 * (`<`, `===`) in commit order. What comes from anywhere else is a text, which the store parses
 * ({@link EventStore.parsePosition}).
 */
export type Position = string & { readonly [brand]: 'Position' }

/** Before the first event of any log: smaller than every position a store gives. */
export const START = '' as Position

/** For stores alone: turns the texts that are positions of a store into positions, and refuses every other. */
export function positionParser(isPosition: (text: string) => boolean): (text: string) => Position {
  return (text) => {
    if (!isPosition(text)) throw new InvalidPosition()
    return text as Position
  }
}

/** Whoever reads positions of this store from a text. */
export interface PositionParser {
  parsePosition(text: string): Position
}

/**
 * The place that was kept as a text: `START` when the text is empty.
 *
 * @throws {InvalidPosition} when the store never gives such a position.
 */
export const keptPosition = ({ parsePosition }: PositionParser, text: string): Position =>
  text === START ? START : parsePosition(text)
