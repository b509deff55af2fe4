import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type RunningGateway } from '../../src/gateway/index.js';
import { windowsPaths } from '../../src/gateway/ssh/domain/remote-path.js';
import { act, GatewayFixture, post } from '../gateway/fixture.js';
import { eventually } from '../support/eventually.js';
import { readLiterals } from './powershell-reader.js';
import { WindowsHost } from './windows-host.js';

describe('a path on Windows', () => {
  const parse = (text: string) => windowsPaths.parse(text, 'C:\\Base', 'C:\\Users\\Me');

  it('is brought into one form, and what is no path of a drive is none', () => {
    const cases: Readonly<Record<string, string | null>> = {
      'c:/a\\.\\b//../c': 'C:\\a\\c',
      '/C:/a/': 'C:\\a',
      'C:\\': 'C:\\',
      'C:': 'C:\\',
      'a/b': 'C:\\Base\\a\\b',
      '..\\..\\..': 'C:\\',
      '%userprofile%\\Projects': 'C:\\Users\\Me\\Projects',
      '%USERPROFILE%': 'C:\\Users\\Me',
      '%USERPROFILE%x': 'C:\\Base\\%USERPROFILE%x',
      'C:\\a\\.. \\b': 'C:\\b',
      'C:\\a. . \\b..': 'C:\\a\\b',
      'C:\\a\\...\\b': 'C:\\a\\b',
      'C:relative': null,
      '\\a': null,
      '/a': null,
      '\\\\server\\share\\x': null,
      '//server/share': null,
      '\\\\?\\C:\\a': null,
      'C:\\a\\b:stream': null,
      'C:\\a*': null,
      'C:\\a\0b': null,
      '': null,
    };
    expect(Object.fromEntries(Object.keys(cases).map((text) => [text, parse(text)]))).toEqual(cases);
  });

  it('is compared without regard to case, letter by letter', () => {
    const isInside = (path: string, folder: string) => windowsPaths.isInside(path, folder);
    expect(isInside('C:\\USERS\\mé\\x', 'c:\\users\\MÉ')).toBe(true);
    expect(isInside('C:\\Users', 'C:\\')).toBe(true);
    expect(isInside('C:\\Usersx', 'C:\\Users')).toBe(false);
    expect(isInside('D:\\Users', 'C:\\Users')).toBe(false);
    // Alike to Unicode, and other names to Windows.
    expect(isInside('C:\\\u212A', 'C:\\k')).toBe(false);
    expect(isInside('C:\\ſ', 'C:\\s')).toBe(false);
    expect(isInside('C:\\ß', 'C:\\ss')).toBe(false);
  });
});

describe('a Windows host behind SSH', () => {
  let fixture: GatewayFixture;
  let host: WindowsHost;
  let gateway: RunningGateway;
  const start = (more: Record<string, string> = {}) =>
    fixture.start({
      env: {
        OPENCLAW_EXECUTION_MODE: 'ssh-only',
        OPENCLAW_SSH_PORT: String(host.port),
        OPENCLAW_SSH_USER: 'me',
        OPENCLAW_SSH_PASSWORD: 'right’"$ word',
        OPENCLAW_SSH_KNOWN_HOSTS: '/nonexistent',
        ...more,
      },
    });

  beforeAll(async () => {
    fixture = await GatewayFixture.create();
    host = await WindowsHost.start('me', 'right’"$ word');
    for (const path of [
      '/C:',
      '/C:/Users',
      '/C:/Users/Me',
      '/C:/Users/Me/Projects',
      '/C:/Users/Me/Documents',
    ]) {
      host.add(path);
    }
    host.add('/C:/Secret');
    host.add('/C:/Secret/file', { file: 'secret' });
    host.add("/C:/Users/Me/Projects/it's’");
    host.add('/C:/Users/Me/Projects/read.me', { file: 'hello' });
    host.add('/C:/Users/Me/Projects/out', { link: '/C:/Secret' });
    host.add('/C:/Users/Me/Projects/docs', { link: '..\\Documents' });
    host.add('/C:/Users/Me/Documents/d.txt', { file: 'document' });
    gateway = await start();
  });
  beforeEach(() => {
    host.received.length = 0;
    host.answer = () => ({ code: 0, stdout: 'done' });
  });
  afterAll(async () => {
    await fixture.close();
    await host.close();
  });

  it('is logged in to by password, and not by a wrong one, which is never told', async () => {
    expect((await act(gateway, 'list_directory', { directory: '%USERPROFILE%\\Projects' })).status).toBe(200);
    const wrong = await start({ OPENCLAW_SSH_PASSWORD: 'wrong-secret' });
    const { status, body } = await act(wrong, 'list_directory', { directory: '.' });
    expect(status).toBe(503);
    expect(body.error).toBe('SSH action failed: All configured authentication methods failed');
  });

  it('runs PowerShell in the folder, with fixed arguments, and gets long input by standard input', async () => {
    const message = `it's "all" ‘quoted’ $x \n ${'long '.repeat(10_000)}`;
    const working_dir = "c:/users/ME/projects/IT's’";
    expect((await act(gateway, 'git_commit', { working_dir, message })).body.result).toEqual({
      returncode: 0,
      stdout: 'done',
      stderr: '',
    });
    const [{ script, input } = { script: '', input: '' }] = host.received;
    expect(readLiterals(script.slice(script.indexOf('\n')))).toEqual([
      ...['Stop', 'SilentlyContinue', 'go', '0', 'C:\\users\\ME;C:\\Users\\Me'].slice(0, 4),
      expect.any(String),
      "C:\\users\\ME\\projects\\IT's’",
      ...['git', 'add', '-u', 'git', 'commit', '--file=-'],
    ]);
    const [encoded = '', ...rest] = input.split('\n');
    expect(Buffer.from(encoded, 'base64').toString('utf8')).toBe(message);
    expect(rest).toEqual(['go', '']);
    expect(script).not.toContain('quoted');
  });

  it('reads, lists and makes what lies in the roots, whatever the case', async () => {
    const read = async (file: string) => (await act(gateway, 'file_read', { file })).body;
    expect((await read('C:\\USERS\\me\\PROJECTS\\Read.me')).result.stdout).toBe('hello');
    expect((await read('read.me')).result.stdout).toBe('hello');
    expect((await read('docs/d.txt')).result.stdout).toBe('document');
    const made = await act(gateway, 'create_directory', { directory: '%USERPROFILE%/Projects/new/deep' });
    expect(made.body.result.returncode).toBe(0);
    expect(host.entries.get('/c:/users/me/projects/new/deep')).toBe('folder');
    const { body } = await act(gateway, 'list_directory', { directory: 'new' });
    expect(body.result.stdout).toBe('deep/');
  });

  it('keeps actions in the roots', async () => {
    const outside = [
      'C:\\Secret\\file',
      'c:/users/me/projects/../../../SECRET/file',
      'C:\\Users\\Me\\Projects\\.. \\..\\x',
      'out',
      'OUT\\file',
      'C:\\Users\\Me\\Projectsx\\f',
      '\\\\server\\share\\f',
      '\\\\?\\C:\\Users\\Me\\Projects\\read.me',
      'read.me:stream',
      'C:read.me',
      'D:\\Users\\Me\\Projects',
    ];
    for (const file of outside) {
      expect((await act(gateway, 'file_read', { file })).body.error).toBe(
        `Path '${file}' is outside OPENCLAW_SSH_ALLOWED_ROOTS.`,
      );
    }
    expect(host.received).toEqual([]);
  });

  it('refuses what Windows would not pass on as it was written', async () => {
    const create = (description: string) =>
      act(gateway, 'gh_create_repo', { working_dir: '.', repo_name: 'r', description });
    expect((await create('say "x"')).body.result).toMatchObject({
      returncode: 1,
      stderr: "Parameter 'description' cannot hold double quotes on a Windows host.",
    });
    expect((await create("it's")).body.result.returncode).toBe(0);
    expect(readLiterals(host.received[0]?.script.slice(38) ?? '')).toContain("--description=it's");
    expect((await create('x'.repeat(351))).body.error).toBe(
      "Parameter 'description' exceeds maximum length (350 chars).",
    );
  });

  it('has what runs ended from another channel', async () => {
    host.answer = () => undefined;
    const running = act(gateway, 'run_tests', { working_dir: '.' });
    await eventually('it runs', () => Promise.resolve(host.received.length > 0 ? true : undefined));
    await post(gateway, '/emergency-stop');
    expect((await running).body.result).toMatchObject({
      returncode: -1,
      stderr: 'Process was killed by the emergency stop.',
    });
    await post(gateway, '/resume');
  });
});
