import { describe, expect, it } from '@jest/globals';
import { NOT_NUMERIC, readEnabled, readFact, readKey, readKeyOrText, readUserId } from './profile-request.js';

describe('the request', () => {
  it.each(['', 'x', '12x', '1.5', '1e3', ' 1', '0x1', '١'])('does not take %j for a user', (text) => {
    expect(readUserId(text)).toEqual({ trouble: NOT_NUMERIC });
  });

  it('takes every number for one, and those that no user has for nobody', () => {
    expect(readUserId('007')).toEqual({ value: 7 });
    expect(readUserId('-1001234567890')).toEqual({ value: -1_001_234_567_890 });
    expect(readUserId('9'.repeat(30))).toEqual({ value: null });
  });

  it('reads texts without the space around them, keys in lower case', () => {
    expect(readKey(' Editor ')).toEqual({ value: 'editor' });
    expect(readFact(' Uses Vim ')).toEqual({ value: 'Uses Vim' });
    expect(readKey('x'.repeat(101))).toEqual({ trouble: "'key' must be a text of 1 to 100 characters." });
    for (const wrong of [undefined, null, 1, '', '  ', 'a\0b', '\ud800', 'x'.repeat(1_001)]) {
      expect(readFact(wrong)).toEqual({ trouble: "'text' must be a text of 1 to 1000 characters." });
      expect(readKeyOrText(wrong)).toHaveProperty('trouble');
    }
  });

  it('wants a policy that is true or false', () => {
    expect(readEnabled(false)).toEqual({ value: false });
    for (const wrong of [undefined, null, 0, 'false']) expect(readEnabled(wrong)).toHaveProperty('trouble');
  });
});
