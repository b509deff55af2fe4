import { expect, it } from '@jest/globals';
import { roomOf } from './room.js';

it.each([
  [null, 8, 8],
  [3, 8, 3],
  [20, 8, 8],
])('a gateway that wants %s where %i are allowed is sent %i', (slots, limit, room) => {
  expect(roomOf(slots, limit)).toBe(room);
});
