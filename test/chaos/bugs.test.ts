import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { BUGS, bugNames, plant } from './bugs.js';

const root = join(import.meta.dirname, '..', '..');
let copy: string;
beforeAll(() => {
  copy = mkdtempSync(join(tmpdir(), 'skynet-bugs-'));
});
afterAll(() => rmSync(copy, { recursive: true, force: true }));

it('four bugs can be planted in the source as it is', () => {
  expect(bugNames()).toEqual([
    'new-key-on-redispatch',
    'no-fencing-check',
    'notify-as-truth',
    'park-without-the-lock',
  ]);
  for (const name of bugNames()) {
    const folder = join(copy, name);
    const changed = readFileSync(join(BUGS, `${name}.patch`), 'utf8').matchAll(/^\+\+\+ b\/(.+)$/gm);
    const paths = [...changed].map(([, path = '']) => path);
    for (const path of paths) cpSync(join(root, path), join(folder, path));
    plant(name, folder);
    for (const path of paths) {
      expect(readFileSync(join(folder, path), 'utf8')).not.toBe(readFileSync(join(root, path), 'utf8'));
    }
  }
});
