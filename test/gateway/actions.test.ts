import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type RunningGateway } from '../../src/gateway/index.js';
import { act, GatewayFixture } from './fixture.js';

let fixture: GatewayFixture;
let gateway: RunningGateway;

beforeAll(async () => {
  fixture = await GatewayFixture.create();
});
beforeEach(async () => {
  // Each test has the 120 actions of a minute for itself.
  gateway = await fixture.start();
});
afterAll(() => fixture.close());

const inRoot = (name: string) => fixture.path(name);
const run = async (action: string, params: object, more: object = {}) =>
  (await act(gateway, action, params, more)).body;

describe('files', () => {
  it('are written, read and listed, and folders made', async () => {
    expect(await run('file_write', { file: inRoot('a/b.txt'), content: 'hällo\n' })).toMatchObject({
      status: 'success',
      result: { returncode: 0, stderr: '' },
    });
    expect((await run('file_read', { file: 'a/b.txt' })).result.stdout).toBe('hällo\n');
    await run('create_directory', { directory: inRoot('a/c/d/e/f') });
    expect((await run('list_directory', { directory: inRoot('a'), recursive: true })).result.stdout).toBe(
      'b.txt\nc/\nc/d/\nc/d/e/',
    );
    expect((await run('list_directory', { directory: inRoot('a') })).result.stdout).toBe('b.txt\nc/');
  });

  it('are cut when read, and not written when too large', async () => {
    writeFileSync(inRoot('long'), 'x'.repeat(70_000));
    expect((await run('file_read', { file: inRoot('long') })).result.stdout).toBe(
      `${'x'.repeat(65_536)}\n... (truncated at 64 KB)`,
    );
    expect(await run('file_write', { file: inRoot('large'), content: 'x'.repeat(1_048_577) })).toEqual({
      status: 'error',
      action: 'file_write',
      error: 'Content exceeds 1 MB limit.',
    });
    expect(existsSync(inRoot('large'))).toBe(false);
    // A mebibyte of characters that JSON spells with six bytes each.
    const spelt = await run('file_write', { file: inRoot('limit'), content: '\u0001'.repeat(1_048_576) });
    expect(spelt.result.returncode).toBe(0);
  });

  it('keep their mode, and leave no draft behind', async () => {
    mkdirSync(inRoot('modes'));
    writeFileSync(inRoot('modes/run.sh'), 'old');
    chmodSync(inRoot('modes/run.sh'), 0o750);
    await run('file_write', { file: inRoot('modes/run.sh'), content: 'new' });
    expect(readFileSync(inRoot('modes/run.sh'), 'utf8')).toBe('new');
    expect(statSync(inRoot('modes/run.sh')).mode & 0o777).toBe(0o750);
    mkdirSync(inRoot('modes/folder'));
    expect((await run('file_write', { file: inRoot('modes/folder'), content: 'x' })).result.returncode).toBe(
      1,
    );
    expect(readdirSync(inRoot('modes')).sort()).toEqual(['folder', 'run.sh']);
  });

  it('that are none do not hold up a reader', async () => {
    execFileSync('mkfifo', [inRoot('pipe')]);
    for (const file of ['pipe', '.']) {
      expect((await run('file_read', { file })).result).toMatchObject({
        returncode: 1,
        stderr: 'Not a regular file.',
      });
    }
    expect((await run('file_read', { file: 'missing' })).result.stderr).toContain('ENOENT');
  });

  it('are listed up to 500, links named and not followed', async () => {
    mkdirSync(inRoot('many/deep'), { recursive: true });
    for (let index = 0; index < 600; index++) writeFileSync(inRoot(`many/deep/${index}`), '');
    symlinkSync('/etc', inRoot('many/link'));
    const { stdout } = (await run('list_directory', { directory: 'many', recursive: true })).result;
    const lines = stdout.split('\n');
    expect(lines).toHaveLength(501);
    expect(lines.at(-1)).toBe('... (truncated at 500 entries)');
    expect(stdout).not.toContain('link/');
  });
});

describe('git', () => {
  it('goes from an empty folder to a pushed commit', async () => {
    const working_dir = inRoot('repo');
    await run('create_directory', { directory: working_dir });
    expect((await run('git_init', { working_dir })).result.returncode).toBe(0);
    writeFileSync(`${working_dir}/.git/config`, '[user]\n name = t\n email = t@localhost\n', { flag: 'a' });
    await run('file_write', { file: `${working_dir}/x (1).txt`, content: '1' });
    expect((await run('git_status', { working_dir })).result.stdout).toBe('?? "x (1).txt"\n');
    await run('git_add_all', { working_dir });
    const message = 'It\'s $(done); `really` "so"\n\nbody';
    expect((await run('git_commit', { working_dir, message })).result).toMatchObject({ returncode: 0 });
    const log = execFileSync('git', ['log', '--format=%B%D'], { cwd: working_dir, encoding: 'utf8' });
    expect(log).toBe(`${message}\nHEAD -> main\n`);
    expect((await run('git_push', { working_dir })).result.returncode).not.toBe(0);
    execFileSync('git', ['init', '-q', '--bare', inRoot('remote.git')]);
    execFileSync('git', ['remote', 'add', 'origin', inRoot('remote.git')], { cwd: working_dir });
    expect((await run('git_push', { working_dir })).result.returncode).toBe(0);
  });

  it('does not climb to a repository around the allowed roots', async () => {
    const around = inRoot('around');
    mkdirSync(`${around}/root/sub`, { recursive: true });
    execFileSync('git', ['init', '-q', around]);
    const inner = await fixture.start({ env: { SKYNET_ALLOWED_ROOTS: `${around}/root` } });
    const { body } = await act(inner, 'git_status', { working_dir: `${around}/root/sub` });
    expect(body.result).toMatchObject({ returncode: 128 });
    expect(body.result.stderr).toContain('not a git repository');
  });
});

describe('a refusal', () => {
  const meta = (key: string) => `Parameter '${key}' contains disallowed shell metacharacters.`;
  it.each([
    ['shell_exec', {}, {}, "Action 'shell_exec' is explicitly blocked."],
    ['format_disk', {}, {}, "Action 'format_disk' is explicitly blocked."],
    ['whatever', {}, {}, "Action 'whatever' is implicitly blocked."],
    ['__proto__', {}, {}, "Action '__proto__' is implicitly blocked."],
    ['file_write', { file: 'x', content: '' }, { confirmed: false }, 'Confirmation required.'],
    ['file_write', { file: 'x', content: '' }, { confirmed: 'true' }, 'Confirmation required.'],
    ['file_write', { file: 'x', content: '' }, { confirmed: 1 }, 'Confirmation required.'],
    ['docker_build', { working_dir: '.' }, { confirmed: false }, 'Confirmation required.'],
    ['git_push', { working_dir: '.', remote: 'a;b' }, {}, meta('remote')],
    ['git_push', { working_dir: '.', branch: '$(x)' }, {}, meta('branch')],
    ['git_push', { working_dir: '.', branch: 'a\nb' }, {}, meta('branch')],
    ['git_status', { working_dir: '.', anything: '`x`' }, {}, meta('anything')],
    ['git_push', { working_dir: '.', remote: '--x' }, {}, "Parameter 'remote' must not start with '-'."],
    ['file_read', { file: 'a'.repeat(4_097) }, {}, "Parameter 'file' exceeds maximum length (4096 chars)."],
    ['file_read', {}, {}, "Parameter 'file' is required."],
    ['file_read', { file: '' }, {}, "Parameter 'file' is required."],
    ['file_read', { file: ['x'] }, {}, "Parameter 'file' must be a string."],
    ['file_write', { file: 'x' }, {}, "Parameter 'content' is required."],
    ['file_write', { file: 'x', content: 3 }, {}, "Parameter 'content' must be a string."],
    ['git_commit', { working_dir: '.', message: '' }, {}, "Parameter 'message' is required."],
    ['run_tests', { working_dir: '.', runner: 5 }, {}, "Parameter 'runner' must be a string."],
  ])('of %s %.50j %j says why, and leaves the key unused', async (action, params, more, error) => {
    const key = { task_id: 'refused', idempotency_key: `${action}-${error}` };
    const answer = { status: 200, body: { status: 'error', action, error } };
    expect(await act(gateway, action, params, { ...key, ...more })).toEqual(answer);
    expect(await act(gateway, action, params, { ...key, ...more })).toEqual(answer);
  });

  it('comes before confirmation when the path is outside, and before the path when a character is wrong', async () => {
    const outside = { working_dir: '/etc', remote: 'a;b' };
    expect((await run('git_push', outside, { confirmed: false })).error).toBe(meta('remote'));
    expect((await run('git_push', { working_dir: '/etc' }, { confirmed: false })).error).toBe(
      "Path '/etc' (resolved: '/etc') is outside allowed roots.",
    );
  });

  it('meets whatever leads out of the roots, through .. and links, whether it exists or not', async () => {
    symlinkSync('/etc', inRoot('link'));
    symlinkSync('/nowhere/at/all', inRoot('dangling'));
    symlinkSync('loop', inRoot('loop'));
    mkdirSync(`${fixture.root}/inside`);
    symlinkSync('../..', inRoot('inside/up'));
    const files = [
      '/etc/passwd',
      '../../etc/passwd',
      'inside/../../x',
      'link/passwd',
      'link/new/deep',
      'dangling',
      'loop',
      'inside/up/x',
      `${fixture.root}-beside/x`,
      'x'.repeat(300),
    ];
    for (const file of files) {
      const error = expect.stringMatching(/^Path '.*' \(resolved: '.*'\) is outside allowed roots\.$/);
      expect(await run('file_read', { file })).toEqual({ status: 'error', action: 'file_read', error });
      expect((await run('file_write', { file, content: 'x' })).error).toEqual(error);
      expect((await run('create_directory', { directory: file })).error).toEqual(error);
      expect((await run('git_status', { working_dir: file })).error).toEqual(error);
    }
    expect((await run('file_read', { file: '/etc/passwd' })).error).toBe(
      "Path '/etc/passwd' (resolved: '/etc/passwd') is outside allowed roots.",
    );
  });
});

describe('a result', () => {
  it('says which runner is unknown and which folder is none', async () => {
    expect((await run('run_tests', { working_dir: '.', runner: 'make' })).result).toEqual({
      returncode: 1,
      stdout: '',
      stderr: 'Unknown runner: make',
    });
    expect((await run('git_status', { working_dir: 'missing' })).result).toEqual({
      returncode: 1,
      stdout: '',
      stderr: `Not a folder: ${inRoot('missing')}`,
    });
  });

  it('is cut however much a program prints, and the gateway stays small', async () => {
    mkdirSync(inRoot('flood'));
    writeFileSync(
      inRoot('flood/package.json'),
      JSON.stringify({ scripts: { test: 'node flood.cjs' }, name: 'flood' }),
    );
    writeFileSync(
      inRoot('flood/flood.cjs'),
      `const line = 'x'.repeat(65536);
       const write = (stream, left) => stream.write(line, () => left > 0 && write(stream, left - 1));
       write(process.stdout, 3000); write(process.stderr, 500);`,
    );
    const before = process.memoryUsage().rss;
    const { result } = await run('run_tests', { working_dir: 'flood', runner: 'npm' });
    expect(result.returncode).toBe(0);
    expect(result.stdout).toHaveLength(8_192);
    expect(result.stderr).toHaveLength(4_096);
    // 230 MB have passed through.
    expect(process.memoryUsage().rss - before).toBeLessThan(100 * 1_048_576);
  });

  it('comes from a program that sees little of the environment', async () => {
    mkdirSync(inRoot('environment'));
    writeFileSync(
      inRoot('environment/package.json'),
      JSON.stringify({ scripts: { test: 'node -p "JSON.stringify(process.env)"' } }),
    );
    process.env['SKYNET_TEST_SECRET'] = 'hidden';
    const { stdout } = (await run('run_tests', { working_dir: 'environment', runner: 'npm' })).result;
    expect(stdout).toContain('"GIT_TERMINAL_PROMPT":"0"');
    expect(stdout).not.toMatch(/SKYNET_|DATABASE_URL|NODE_OPTIONS|JEST|hidden/);
  });

  it('waits for others in the same repository and for nobody elsewhere', async () => {
    const slow = fixture.slowTest('busy');
    await run('git_init', { working_dir: slow.folder });
    mkdirSync(`${slow.folder}/sub`);
    const order: string[] = [];
    const note = (name: string) => () => order.push(name);
    const first = run('run_tests', slow.params).then(note('first'));
    await slow.started();
    const second = run('git_status', { working_dir: `${slow.folder}/sub` }).then(note('second'));
    await run('git_init', { working_dir: '.' }).then(note('elsewhere'));
    await run('file_write', { file: `${slow.folder}/x`, content: '' }).then(note('file'));
    slow.letGo();
    await Promise.all([first, second]);
    expect(order).toEqual(['elsewhere', 'file', 'first', 'second']);
  });
});
