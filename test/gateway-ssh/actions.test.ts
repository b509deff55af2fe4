import type http from 'node:http';
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
  chmodSync,
} from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type RunningGateway } from '../../src/gateway/index.js';
import { eventually } from '../support/eventually.js';
import { act, GatewayFixture, post } from '../gateway/fixture.js';
import { reply, StubServer } from '../support/stub-server.js';
import { leftOut, Sshd, trouble } from './sshd.js';

const suite = trouble === undefined ? describe : describe.skip; // Nothing can stand in for a real sshd; the name of the suite says what is missing.

/** A search engine that finds one thing, whatever is asked. */
class Search extends StubServer {
  protected serve(_request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const page = '<div class="result"><a class="result__a" href="https://example.org/">Found</a></div>';
    reply(response, 200, page, { 'content-type': 'text/html' });
    return Promise.resolve();
  }
}

const status = async (at: RunningGateway) => (await fetch(`${at.url}/status`)).json();

suite(`actions over SSH${leftOut}`, () => {
  let fixture: GatewayFixture;
  let sshd: Sshd;
  let gateway: RunningGateway;
  let search: Search;
  const path = (name: string) => fixture.path(name);

  beforeAll(async () => {
    fixture = await GatewayFixture.create();
    sshd = await Sshd.start();
    search = await Search.start();
    gateway = await fixture.start({
      env: sshd.env({
        ...{ OPENCLAW_SSH_ALLOWED_ROOTS: fixture.root, SKYNET_ALLOWED_ROOTS: ';' },
        SKYNET_WEB_SEARCH_URL: search.url,
      }),
    });
  });
  afterAll(async () => {
    await fixture.close();
    await sshd.close();
    await search.close();
  });

  it('are there when the host answers, and say so', async () => {
    const found = await eventually('it is healthy', async () => {
      const now = (await status(gateway)) as Record<string, unknown>;
      return now['ssh_fallback_healthy'] === true ? now : undefined;
    });
    expect(found).toEqual({
      agent_connected: false,
      ssh_fallback_enabled: true,
      ssh_fallback_healthy: true,
      ssh_fallback_target: `${sshd.user}@127.0.0.1:${sshd.port}`,
      execution_mode: 'agent_preferred',
      execution: 'SSH Tunnel Ready',
    });
    const { sessions } = (await (await fetch(`${gateway.url}/sessions`)).json()) as {
      sessions: { session_id: string; capabilities: string[] }[];
    };
    expect(sessions.map(({ session_id }) => session_id)).toEqual(['ssh']);
    expect(sessions[0]?.capabilities).toContain('git_commit');
  });

  it('that need nothing of the host are carried out by the gateway', async () => {
    const { body } = await act(gateway, 'web_search', { query: 'x' });
    expect(body.result).toEqual({ returncode: 0, stdout: '1. Found\n   https://example.org/', stderr: '' });
  });

  it('write and read files whole, with their mode, and make folders', async () => {
    const file = path('deep/er/ä 😀 (1)\'".txt');
    const content = 'one\n\ttwo ‘’‚‛ $HOME `x` \\ end';
    expect((await act(gateway, 'file_write', { file, content })).body.result).toMatchObject({
      returncode: 0,
    });
    expect(readFileSync(file, 'utf8')).toBe(content);
    chmodSync(file, 0o751);
    await act(gateway, 'file_write', { file, content: '' });
    expect(readFileSync(file, 'utf8')).toBe('');
    expect(statSync(file).mode & 0o777).toBe(0o751);
    await act(gateway, 'file_write', { file, content: 'again' });
    expect((await act(gateway, 'file_read', { file })).body).toEqual({
      status: 'success',
      action: 'file_read',
      result: { returncode: 0, stdout: 'again', stderr: '' },
    });
    expect(
      (await act(gateway, 'create_directory', { directory: path('a/b/c') })).body.result.returncode,
    ).toBe(0);
    expect(existsSync(path('a/b/c'))).toBe(true);
  });

  it('keep a repository: init, add, commit with any message, status', async () => {
    const folder = path("re po's");
    mkdirSync(folder);
    const git = (...args: string[]) => execFileSync('git', args, { cwd: folder, encoding: 'utf8' });
    expect((await act(gateway, 'git_init', { working_dir: folder })).body.result.returncode).toBe(0);
    git('config', 'user.email', 'a@b.example');
    git('config', 'user.name', 'A');
    writeFileSync(`${folder}/x`, '1');
    const { stdout } = (await act(gateway, 'git_status', { working_dir: folder })).body.result;
    expect(stdout).toBe('?? x\n');
    await act(gateway, 'git_add_all', { working_dir: folder });
    const message = `-m "it's"\n\n$(touch /tmp/never) \`x\` ‘q’ 😀 ${'long '.repeat(60_000)}`;
    const { body } = await act(gateway, 'git_commit', { working_dir: folder, message });
    expect(body.result).toMatchObject({ returncode: 0, stderr: '' });
    expect(git('log', '--format=%B').trim()).toBe(message.trim());
    expect(
      (await act(gateway, 'git_commit', { working_dir: folder, message: 'none' })).body.result.returncode,
    ).toBe(1);
  });

  it('run the tests with the runner that is asked for', async () => {
    const slow = fixture.slowTest('tests');
    slow.letGo();
    expect((await act(gateway, 'run_tests', slow.params)).body.result).toMatchObject({ returncode: 0 });
    expect((await act(gateway, 'run_tests', { ...slow.params, runner: 'make' })).body.result).toEqual({
      returncode: 1,
      stdout: '',
      stderr: 'Unknown runner: make',
    });
  });

  it('are refused in the words and the order of the contract', async () => {
    const error = async (action: string, params: object, more = {}) =>
      (await act(gateway, action, params, more)).body.error;
    expect(await error('shell_exec', {})).toBe("Action 'shell_exec' is explicitly blocked.");
    expect(await error('nothing', {})).toBe("Action 'nothing' is implicitly blocked.");
    expect(await error('file_read', {})).toBe("Parameter 'file' is required.");
    expect(await error('run_tests', { working_dir: fixture.root, runner: 'a;b' })).toBe(
      "Parameter 'runner' contains disallowed shell metacharacters.",
    );
    expect(await error('file_write', { file: path('x'), content: 'x'.repeat(1_048_577) })).toBe(
      'Content exceeds 1 MB limit.',
    );
    expect(await error('file_write', { file: path('x'), content: '' }, { confirmed: false })).toBe(
      'Confirmation required.',
    );
    expect(await error('web_search', {})).toBe("Parameter 'query' is required.");
    for (const action of ['start_dev_server', 'ollama_chat', 'zip_project']) {
      expect((await act(gateway, action, { working_dir: fixture.root })).body).toEqual({
        status: 'success',
        action,
        result: {
          returncode: 1,
          stdout: '',
          stderr: `Action '${action}' is not supported in SSH tunnel mode.`,
        },
      });
    }
  });

  it('stay in the allowed roots, whatever leads out of them', async () => {
    mkdirSync(path('in'));
    writeFileSync(path('in/file'), 'inside');
    symlinkSync('/etc', path('out'));
    symlinkSync('../../../../../../etc/passwd', path('in/sneaky'));
    symlinkSync('/nowhere/at/all', path('dangling'));
    symlinkSync('loop', path('loop'));
    symlinkSync('in', path('also-in'));
    const outside = [
      '/etc/passwd',
      `${fixture.root}/../../etc/passwd`,
      `${fixture.root}-other/file`,
      path('out/passwd'),
      path('out'),
      path('out/new'),
      path('in/sneaky'),
      path('dangling'),
      path('dangling/deeper'),
      path('loop'),
      '../../../etc/passwd',
    ];
    for (const file of outside) {
      expect((await act(gateway, 'file_read', { file })).body.error).toBe(
        `Path '${file}' is outside OPENCLAW_SSH_ALLOWED_ROOTS.`,
      );
      expect((await act(gateway, 'file_write', { file, content: 'x' })).body.error).toBe(
        `Path '${file}' is outside OPENCLAW_SSH_ALLOWED_ROOTS.`,
      );
    }
    for (const file of [path('in/file'), path('also-in/file'), 'in/file', path('in/../x/.././in//file')]) {
      expect((await act(gateway, 'file_read', { file })).body.result).toMatchObject({ stdout: 'inside' });
    }
    expect((await act(gateway, 'git_status', { working_dir: path('out') })).body.error).toContain('outside');
  });

  it('read no more of a file than is shown, of nothing but files, and list within bounds', async () => {
    writeFileSync(path('large'), 'ü'.repeat(100_000));
    const { stdout } = (await act(gateway, 'file_read', { file: path('large') })).body.result;
    expect(stdout).toBe(`${'ü'.repeat(65_536)}\n... (truncated at 64 KB)`);
    execFileSync('mkfifo', [path('pipe')]);
    for (const file of [path('pipe'), fixture.root]) {
      expect((await act(gateway, 'file_read', { file })).body.result).toMatchObject({
        returncode: 1,
        stderr: 'Not a regular file.',
      });
    }
    expect((await act(gateway, 'file_read', { file: path('absent') })).body.result).toMatchObject({
      returncode: 1,
    });
    mkdirSync(path('many/1/2/3/4'), { recursive: true });
    writeFileSync(path('many/1/2/x'), '');
    symlinkSync('..', path('many/up'));
    const list = async (directory: string, recursive: boolean) =>
      (
        await act(gateway, 'list_directory', { directory: path(directory), recursive })
      ).body.result.stdout.split('\n');
    expect(await list('many', false)).toEqual(['1/', 'up']);
    expect(await list('many', true)).toEqual(['1/', '1/2/', '1/2/3/', '1/2/x', 'up']);
    mkdirSync(path('crowd'));
    for (let i = 0; i < 600; i++) writeFileSync(path(`crowd/${i}`), '');
    const crowd = await list('crowd', true);
    expect(crowd).toHaveLength(501);
    expect(crowd[500]).toBe('... (truncated at 500 entries)');
  });

  it('run once for each key, and replay', async () => {
    const key = { task_id: 't', idempotency_key: 'k' };
    const first = await act(gateway, 'file_write', { file: path('keyed'), content: '1' }, key);
    writeFileSync(path('keyed'), 'changed');
    const again = await act(gateway, 'file_write', { file: path('keyed'), content: '1' }, key);
    expect(again.body).toEqual({ ...first.body, idempotent_replay: true });
    expect(readFileSync(path('keyed'), 'utf8')).toBe('changed');
  });

  it('are stopped and resumed without an agent', async () => {
    expect((await post(gateway, '/emergency-stop')).body).toEqual({ status: 'not_applicable_in_ssh_mode' });
    expect((await act(gateway, 'list_directory', { directory: fixture.root })).body.error).toContain(
      'Emergency stop is active',
    );
    expect((await post(gateway, '/resume')).body).toEqual({ status: 'resume_sent' });
    expect((await act(gateway, 'list_directory', { directory: fixture.root })).body.status).toBe('success');
  });
});
