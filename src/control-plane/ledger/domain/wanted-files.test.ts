import { expect, it } from '@jest/globals';
import { modeFromLetter, modeLetters, wantedFiles } from './wanted-files.js';

const lists = (more: Partial<Parameters<typeof wantedFiles>[0]>) =>
  wantedFiles({ requiredFiles: [], readFiles: [], files: [], ...more });

it('keeps the first spelling of each file, drops blanks, and says what leads out', () => {
  const { files, refused } = lists({ requiredFiles: [' a ', './a', '', 'b', '../c'] });
  expect(files.map(({ name, pattern, mode }) => [name, pattern.text, mode])).toEqual([
    ['a', 'a', 'write'],
    ['b', 'b', 'write'],
  ]);
  expect(refused.map(({ place, input }) => [place, input])).toEqual([[['required_files', 4], '../c']]);
  expect(refused[0]?.detail).toMatch(/inside of the project/);
});

it('lets writing win where a file is named twice', () => {
  const { files } = lists({
    readFiles: ['src/', 'x'],
    files: [
      { path: 'src/**', mode: 'write' },
      { path: 'y', mode: 'read' },
    ],
  });
  expect(files.map(({ pattern, mode }) => [pattern.text, mode])).toEqual([
    ['src/**', 'write'],
    ['y', 'read'],
    ['x', 'read'],
  ]);
  const letters = modeLetters(files);
  expect(letters).toBe('wrr');
  expect(files.map((_, index) => modeFromLetter(letters, index))).toEqual(['write', 'read', 'read']);
  expect(modeLetters([{ mode: 'write' }])).toBe('');
  expect(modeFromLetter('', 3)).toBe('write');
});
