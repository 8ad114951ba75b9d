import { InvalidPosition, type Position, type PositionParser } from '@ledgate/eventsourcing'
import { Malformed } from '../../refusal/index.ts'

/** The position that an operator gave. @throws {Malformed} when it is none of this log, naming the member. */
export function positionIn({ parsePosition }: PositionParser, text: string, member: string): Position {
  try {
    return parsePosition(text)
  } catch (error) {
    if (error instanceof InvalidPosition) throw new Malformed(`${member}: is not a position of this log`)
    throw error
  }
}
