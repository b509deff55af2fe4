import { expect, it } from '@jest/globals';
import { leaseOf } from './lease.js';

const write = (path: string) => ({ path, mode: 'write' as const });
const read = (path: string) => ({ path, mode: 'read' as const });

it.each([
  [[write('src/a.ts')], 'src/a.ts', true],
  [[write('./src//a.ts')], 'src/a.ts', true],
  [[write('src/a.ts')], 'src/b.ts', false],
  [[write('src/')], 'src/deep/b.ts', true],
  [[write('src')], 'src/b.ts', false],
  [[write('src/**/*.ts')], 'src/deep/b.ts', true],
  [[write('src/**/*.ts')], 'src/deep/b.js', false],
  [[write('{a,b}/*.md')], 'b/x.md', true],
  [[write('app/[id].tsx')], 'app/[id].tsx', true],
  [[write('**')], '.github/x.yml', true],
  [[read('src/a.ts')], 'src/a.ts', false],
  [[read('src/'), write('src/a.ts')], 'src/a.ts', true],
  [[], 'a', false],
  [[write('/srv/app/src/')], 'src/a.ts', true],
  [[write('/srv/app/src/')], 'other/a.ts', false],
  [[write('/src/a.ts')], 'src/a.ts', true],
  [[write('srv/app/src/')], 'src/a.ts', false],
  [[write('../x')], 'x', false],
  [[write('name with  blanks')], 'name with  blanks', true],
])('%j over %s is %s', (files, path, covered) => {
  expect(leaseOf(files, '/srv/app').covers(path)).toBe(covered);
});
