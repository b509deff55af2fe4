import { chmodSync, mkdirSync, readlinkSync, statSync, symlinkSync } from 'node:fs';
import { afterEach, describe, expect, it } from '@jest/globals';
import { type LeasedFile } from '../../src/contracts/gateway-api.js';
import { ActionsFixture } from './fixture.js';

const fixtures: ActionsFixture[] = [];
afterEach(async () => {
  await Promise.all(fixtures.splice(0).map((fixture) => fixture.close()));
});

function start(policy: string, env: Record<string, string> = {}): ActionsFixture {
  const fixture = new ActionsFixture({ SKYNET_LEASE_VIOLATION_POLICY: policy, ...env });
  fixtures.push(fixture);
  return fixture;
}

const write = (path: string): LeasedFile => ({ path, mode: 'write' });
const read = (path: string): LeasedFile => ({ path, mode: 'read' });

/** Writes inside and outside of the lease on `src/`: changes, makes, removes, renames, links, commits. */
const STRAY = `
  fs.writeFileSync('src/a.ts', 'changed');
  fs.writeFileSync('README.md', 'changed');
  fs.mkdirSync('new/deep', { recursive: true });
  fs.writeFileSync('new/deep/file with "blanks" é.txt', 'x');
  fs.rmSync('gone.txt');
  fs.renameSync('old.txt', 'moved.txt');
  fs.writeFileSync('dirty.txt', 'changed once more');
  fs.writeFileSync('untracked.txt', 'changed once more');
  fs.symlinkSync('/etc', 'link');
  fs.chmodSync('run.sh', 0o755);
  fs.writeFileSync('ignored.log', 'x');
  print('done');`;

const STRAYED = [
  'README.md',
  'dirty.txt',
  'gone.txt',
  'link',
  'moved.txt',
  'new/deep/file with "blanks" é.txt',
  'old.txt',
  'run.sh',
  'untracked.txt',
];

function prepare(fixture: ActionsFixture): string {
  const folder = fixture.repository('repo', {
    '.gitignore': '*.log\n',
    'README.md': 'hello\n',
    'src/a.ts': 'a\n',
    'gone.txt': 'gone\n',
    'old.txt': 'old\n',
    'dirty.txt': 'clean\n',
    'run.sh': 'true\n',
  });
  chmodSync(`${folder}/run.sh`, 0o644);
  fixture.write('repo/dirty.txt', 'dirty before');
  fixture.write('repo/untracked.txt', 'untracked before');
  return folder;
}

function expectAsBefore(fixture: ActionsFixture, folder: string): void {
  expect(fixture.read('repo/README.md')).toBe('hello\n');
  expect(fixture.read('repo/gone.txt')).toBe('gone\n');
  expect(fixture.read('repo/old.txt')).toBe('old\n');
  expect(fixture.read('repo/dirty.txt')).toBe('dirty before');
  expect(fixture.read('repo/untracked.txt')).toBe('untracked before');
  expect(fixture.has('repo/moved.txt')).toBe(false);
  expect(fixture.has('repo/new')).toBe(false);
  expect(fixture.has('repo/link')).toBe(false);
  expect(statSync(`${folder}/run.sh`).mode & 0o777).toBe(0o644);
}

const run = (fixture: ActionsFixture, folder: string, files?: readonly LeasedFile[]) =>
  fixture.act(
    'run_coding_agent',
    { agent: 'codex', prompt: 'Do it.', working_dir: folder },
    files === undefined ? {} : { files },
  );

describe('writes outside of the lease', () => {
  it('are reported', async () => {
    const fixture = start('report');
    const folder = prepare(fixture);
    fixture.program('codex', STRAY);
    const before = fixture.git(folder, 'count-objects');
    const result = await run(fixture, folder, [write('src/'), read('README.md')]);
    expect(result).toMatchObject({ returncode: 0, stdout: 'done', lease_violations: STRAYED });
    expect(result.stderr).toContain('Written outside of the lease: README.md, dirty.txt');
    expect(fixture.read('repo/README.md')).toBe('changed');
    // The look leaves nothing in the repository.
    expect(fixture.git(folder, 'count-objects')).toBe(before);
    expect(fixture.git(folder, 'diff', '--cached', '--name-only')).toBe('');
  });

  it('fail the action', async () => {
    const fixture = start('fail');
    const folder = prepare(fixture);
    fixture.program('codex', STRAY);
    const result = await run(fixture, folder, [write('src/')]);
    expect(result).toMatchObject({ returncode: 1, stdout: 'done', lease_violations: STRAYED });
    expect(fixture.read('repo/README.md')).toBe('changed');
  });

  it('are put back, and what is leased stays', async () => {
    const fixture = start('revert');
    const folder = prepare(fixture);
    fixture.program('codex', STRAY);
    const status = fixture.git(folder, 'status', '--porcelain');
    const result = await run(fixture, folder, [write('src/')]);
    expect(result).toMatchObject({ returncode: 0, lease_violations: STRAYED });
    expect(result.stderr).toMatch(/It was put back\.$/);
    expectAsBefore(fixture, folder);
    expect(fixture.read('repo/src/a.ts')).toBe('changed');
    expect(fixture.read('repo/ignored.log')).toBe('x');
    expect(fixture.git(folder, 'status', '--porcelain')).toBe(
      ` M dirty.txt\n M src/a.ts\n?? untracked.txt\n`,
    );
    expect(status).toBe(` M dirty.txt\n?? untracked.txt\n`);
    expect(fixture.git(folder, 'rev-list', '--count', 'HEAD')).toBe('1\n');
  });

  it('are put back when they were committed, by a commit that leaves the leased part', async () => {
    const fixture = start('revert');
    const folder = prepare(fixture);
    fixture.program(
      'codex',
      `${STRAY}
       execFileSync('git', ['add', '-A']);
       execFileSync('git', ['commit', '-q', '-m', 'mine']);
       fs.writeFileSync('README.md', 'and again');`,
    );
    const result = await run(fixture, folder, [write('src/')]);
    expect(result).toMatchObject({ returncode: 0, lease_violations: STRAYED });
    expectAsBefore(fixture, folder);
    expect(fixture.git(folder, 'log', '--format=%s')).toBe(
      'Put back what was written outside of the lease\nmine\nfirst\n',
    );
    expect(fixture.git(folder, 'diff', '--name-only', 'HEAD~2', 'HEAD')).toBe('src/a.ts\n');
    expect(fixture.git(folder, 'status', '--porcelain')).toBe(` M dirty.txt\n?? untracked.txt\n`);
  });

  it('are put back in a repository without a commit, with what was staged', async () => {
    const fixture = start('revert');
    const folder = fixture.folder('repo');
    fixture.git(folder, 'init', '-q');
    fixture.write('repo/staged.txt', 'staged');
    fixture.git(folder, 'add', 'staged.txt');
    fixture.program(
      'codex',
      `fs.writeFileSync('staged.txt', 'x'); fs.writeFileSync('new.txt', 'x');
       execFileSync('git', ['add', '-A']);
       execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@localhost', 'commit', '-q', '-m', 'mine']);`,
    );
    const result = await run(fixture, folder, [write('src/')]);
    expect(result).toMatchObject({ returncode: 0, lease_violations: ['new.txt', 'staged.txt'] });
    expect(fixture.git(folder, 'status', '--porcelain')).toBe('A  staged.txt\n');
    expect(fixture.read('repo/staged.txt')).toBe('staged');
  });

  it('that cannot be put back fail the action and are named', async () => {
    const fixture = start('revert');
    const folder = fixture.repository('repo');
    fixture.program(
      'codex',
      `fs.mkdirSync('inner'); fs.writeFileSync('inner/x', '');
       const git = (...more) => execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@localhost', ...more], { cwd: 'inner' });
       git('init', '-q'); git('add', '-A'); git('commit', '-q', '-m', 'x');`,
    );
    const result = await run(fixture, folder, [write('src/')]);
    expect(result).toMatchObject({ returncode: 1, lease_violations: ['inner'] });
    expect(result.stderr).toContain('It could not be put back: inner.');
    expect(fixture.has('repo/inner/x')).toBe(true);
  });

  it('are looked for after the agent was killed as well, and not after the emergency stop', async () => {
    const fixture = start('revert');
    const folder = fixture.repository('repo');
    fixture.program('codex', `fs.writeFileSync('stray', ''); setInterval(() => {}, 1000);`);
    const abort = new AbortController();
    const stopped = fixture.act(
      'run_coding_agent',
      { agent: 'codex', prompt: 'x', working_dir: folder },
      { files: [write('src/')], signal: abort.signal },
    );
    await fixture.until('repo/stray');
    abort.abort('emergency stop');
    expect(await stopped).toEqual({
      returncode: -1,
      stdout: '',
      stderr: 'What was written was not compared with the lease.\nProcess was killed by the emergency stop.',
    });
    expect(fixture.has('repo/stray')).toBe(true);
    fixture.program('codex', `fs.writeFileSync('stray2', ''); process.kill(process.pid, 'SIGKILL');`);
    expect(await run(fixture, folder, [write('src/')])).toMatchObject({
      returncode: -9,
      lease_violations: ['stray2'],
    });
    expect(fixture.has('repo/stray2')).toBe(false);
  });

  it('of other tasks at the same time are not held against the agent', async () => {
    const fixture = start('revert');
    const folder = fixture.repository('repo');
    fixture.program(
      'codex',
      `fs.writeFileSync('begun.log', '');
       while (!fs.existsSync('other.txt')) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
       fs.writeFileSync('stray.txt', '');`,
    );
    const result = run(fixture, folder, [write('src/'), write('*.log')]);
    await fixture.until('repo/begun.log');
    await fixture.act('file_write', { file: 'repo/other.txt', content: 'mine' });
    expect(await result).toMatchObject({ lease_violations: ['stray.txt'] });
    expect(fixture.read('repo/other.txt')).toBe('mine');
  });
});

describe('a lease', () => {
  it('that is kept is nothing to speak of, in whatever folder of the repository', async () => {
    const fixture = start('fail');
    const folder = fixture.repository('repo', { 'src/a.ts': 'a', '[id].ts': 'x' });
    mkdirSync(`${folder}/empty`);
    symlinkSync('a.ts', `${folder}/src/link`);
    fixture.program(
      'codex',
      `fs.writeFileSync('a.ts', 'b'); fs.writeFileSync('../[id].ts', 'b'); print('ok');`,
    );
    const result = await run(fixture, `${folder}/src`, [write('src/*.ts'), write('[id].ts')]);
    expect(result).toEqual({ returncode: 0, stdout: 'ok', stderr: '' });
    expect(readlinkSync(`${folder}/src/link`)).toBe('a.ts');
  });

  it('is told to the agent, as text and as environment', async () => {
    const fixture = start('report');
    const folder = fixture.repository('repo');
    const codex = fixture.program('codex');
    await run(fixture, folder, [write('src/'), read('docs/**')]);
    const [call] = codex.calls();
    expect(call?.input).toBe(
      'Do it.\n\n' +
        'Files leased to this task. Paths are relative to the repository; a path that ends in / is a folder with all below it.\n' +
        'You may change only:\n- src/\nNobody changes these while you read them:\n- docs/**\n' +
        'Others are working on the rest of the repository: read it if you must, and leave it as it is.\n',
    );
    expect(JSON.parse(call?.env['SKYNET_LEASED_FILES'] ?? '')).toEqual([write('src/'), read('docs/**')]);
    await run(fixture, folder);
    expect(codex.calls()[1]).toMatchObject({ input: 'Do it.' });
    expect(codex.calls()[1]?.env).not.toHaveProperty('SKYNET_LEASED_FILES');
    // A thousand long names are too much for an environment.
    const many = Array.from({ length: 1_000 }, (_, index) => write(`${'x'.repeat(900)}${index}`));
    expect(await run(fixture, folder, many)).toMatchObject({ returncode: 0 });
    expect(codex.calls()[2]?.env).not.toHaveProperty('SKYNET_LEASED_FILES');
    expect(codex.calls()[2]?.input).toContain(many[999]?.path);
  });

  it('that cannot be compared is said to be so, and only where that is enough the agent runs', async () => {
    const text = (folder: string) =>
      `What was written could not be compared with the lease: ${folder} is not in a git repository.`;
    for (const [policy, calls] of [
      ['report', 1],
      ['fail', 0],
      ['revert', 0],
    ] as const) {
      const fixture = start(policy);
      const codex = fixture.program('codex');
      const folder = fixture.folder('plain');
      const result = await run(fixture, folder, [write('src/')]);
      expect(result.returncode).toBe(calls === 1 ? 0 : 1);
      expect(result.stderr).toContain(text(folder));
      expect(codex.calls()).toHaveLength(calls);
    }
  });
});
