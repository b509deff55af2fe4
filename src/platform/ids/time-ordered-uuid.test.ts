import { expect, it } from '@jest/globals';
import { timeOrderedUuid } from './time-ordered-uuid.js';

it('is a version 7 UUID that sorts by its time', () => {
  const [early, late] = [timeOrderedUuid(1_700_000_000_000), timeOrderedUuid(1_700_000_000_001)];
  expect(early).toMatch(/^018bcfe5-6800-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(early < late).toBe(true);
  expect(timeOrderedUuid()).not.toBe(timeOrderedUuid());
});
