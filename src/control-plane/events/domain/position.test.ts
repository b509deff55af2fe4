import { expect, it } from '@jest/globals';
import { BEGINNING, comparePositions, laterOf } from './position.js';

it('orders by transaction as a number, then by id', () => {
  const inOrder = [
    BEGINNING,
    { txid: '9', id: 500 },
    { txid: '10', id: 2 },
    { txid: '10', id: 11 },
    { txid: '9223372036854775807', id: 1 },
  ];
  for (const [index, a] of inOrder.entries()) {
    for (const [other, b] of inOrder.entries()) {
      expect(Math.sign(comparePositions(a, b))).toBe(Math.sign(index - other));
      expect(laterOf(a, b)).toBe(index < other ? b : a);
    }
  }
});
