import { join } from 'node:path';

/** A task of the demonstration, as it is handed in. */
export interface PlannedTask {
  readonly name: string;
  readonly action: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly dependencies?: readonly string[];
  readonly files?: readonly string[];
  readonly priority?: number;
}

const ADD = 'export const add = (a, b) => a + b;\n';
const MULTIPLY = 'export const multiply = (a, b) => a * b;\n';

const TESTS = `import assert from 'node:assert/strict';
import test from 'node:test';
import { add } from '../src/add.mjs';
import { multiply } from '../src/multiply.mjs';

test('adds', () => assert.equal(add(2, 3), 5));
test('multiplies', () => assert.equal(multiply(2, 3), 6));
test('takes its time', () => new Promise((done) => setTimeout(done, 1200)));
`;

/** What the folder of the failing part holds before anything runs. */
export const LEGACY_TEST = `import assert from 'node:assert/strict';
import test from 'node:test';

test('was never finished', () => assert.equal(1, 2));
`;

/**
 * A day's work on a small library, as one graph: a diamond (scaffold → add, multiply → write-tests), edits that must
 * wait while the tests read the same files, two commits, and a part that fails and takes its dependents with it.
 */
export function planFor(project: string, legacy: string): PlannedTask[] {
  const write = (path: string, content: string) => ({ file: join(project, path), content });
  const inProject = { working_dir: project };
  const sources = ['src/add.mjs', 'src/multiply.mjs'];
  return [
    {
      name: 'scaffold',
      action: 'file_write',
      params: write('README.md', '# A small math library\n'),
      files: ['README.md'],
      priority: 10,
    },
    {
      name: 'write-add',
      action: 'file_write',
      params: write('src/add.mjs', ADD),
      dependencies: ['scaffold'],
      files: ['src/add.mjs'],
    },
    {
      name: 'write-multiply',
      action: 'file_write',
      params: write('src/multiply.mjs', MULTIPLY),
      dependencies: ['scaffold'],
      files: ['src/multiply.mjs'],
    },
    {
      name: 'write-tests',
      action: 'file_write',
      params: write('test/math.test.mjs', TESTS),
      dependencies: ['write-add', 'write-multiply'],
      files: ['test/math.test.mjs'],
    },
    {
      name: 'run-tests',
      action: 'run_tests',
      params: { ...inProject, runner: 'node' },
      dependencies: ['write-tests'],
      files: sources,
      priority: 5,
    },
    {
      name: 'polish-add',
      action: 'file_write',
      params: write('src/add.mjs', `/** The sum of two numbers. */\n${ADD}`),
      dependencies: ['write-tests'],
      files: ['src/add.mjs'],
    },
    {
      name: 'polish-multiply',
      action: 'file_write',
      params: write('src/multiply.mjs', `/** The product of two numbers. */\n${MULTIPLY}`),
      dependencies: ['write-tests'],
      files: ['src/multiply.mjs'],
    },
    {
      name: 'stage',
      action: 'git_add_all',
      params: inProject,
      dependencies: ['run-tests'],
      files: ['.git/index'],
    },
    {
      name: 'commit',
      action: 'git_commit',
      params: { ...inProject, message: 'Add a small math library' },
      dependencies: ['stage'],
      files: ['.git/index'],
    },
    {
      name: 'run-tests-again',
      action: 'run_tests',
      params: { ...inProject, runner: 'node' },
      dependencies: ['commit', 'polish-add', 'polish-multiply'],
      files: sources,
    },
    {
      name: 'write-changelog',
      action: 'file_write',
      params: write('CHANGELOG.md', '- The functions are documented.\n'),
      dependencies: ['commit'],
      files: ['CHANGELOG.md'],
    },
    {
      name: 'stage-changes',
      action: 'git_add_all',
      params: inProject,
      dependencies: ['run-tests-again', 'write-changelog'],
      files: ['.git/index'],
    },
    {
      name: 'commit-changes',
      action: 'git_commit',
      params: { ...inProject, message: 'Document the functions' },
      dependencies: ['stage-changes'],
      files: ['.git/index'],
    },
    {
      name: 'legacy-tests',
      action: 'run_tests',
      params: { working_dir: legacy, runner: 'node' },
      priority: 3,
    },
    {
      name: 'legacy-notes',
      action: 'file_write',
      params: write('LEGACY.md', 'The legacy part works.\n'),
      dependencies: ['legacy-tests'],
      files: ['LEGACY.md'],
    },
    { name: 'legacy-push', action: 'git_push', params: inProject, dependencies: ['legacy-notes'] },
  ];
}
