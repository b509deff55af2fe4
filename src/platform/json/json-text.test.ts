import { describe, expect, it } from '@jest/globals';
import { JsonTextError, MAX_JSON_DEPTH, parseJsonText } from './json-text.js';
import { fc } from '../../../test/support/properties.js';

const reason = (text: string) => {
  try {
    parseJsonText(text);
    return null;
  } catch (error) {
    return error instanceof JsonTextError ? error.reason : error;
  }
};

describe('a request body', () => {
  it('is read as JSON.parse reads it', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
        const text = JSON.stringify(value);
        if (text.includes('\\u0000') || !text.isWellFormed() || /\\ud[89a-f]/i.test(text)) return;
        expect(parseJsonText(text)).toEqual(JSON.parse(text));
      }),
    );
  });

  it.each([
    ['{', 'syntax'],
    ['"a\\u0000b"', 'nul'],
    ['{"\\u0000":1}', 'nul'],
    ['["\\ud800"]', 'lone-surrogate'],
    ['"\\ud83d\\ude00"', null],
    ['"[[[[{{{{"', null],
    [`${'['.repeat(MAX_JSON_DEPTH)}${']'.repeat(MAX_JSON_DEPTH)}`, null],
    [`${'['.repeat(MAX_JSON_DEPTH + 1)}${']'.repeat(MAX_JSON_DEPTH + 1)}`, 'too-deep'],
    ['['.repeat(1_000_000), 'too-deep'],
  ])('%.40s: %s', (text, wanted) => expect(reason(text)).toBe(wanted));
});
