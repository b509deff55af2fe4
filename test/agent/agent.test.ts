import { readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { act } from '../gateway/fixture.js';
import { AgentFixture, type GatewayProgram } from './fixture.js';

let fixture: AgentFixture;
let gateway: GatewayProgram;
beforeAll(async () => {
  fixture = await AgentFixture.create();
});
afterEach(() => fixture.endPrograms());
afterAll(() => fixture.close());

const keyOf = (task_id: string) => ({ task_id, idempotency_key: 'k' });

describe('an agent that is connected', () => {
  beforeEach(async () => {
    gateway = await fixture.startGateway();
    await fixture.startConnectedAgent();
  });

  it('is shown, and executes what the gateway is asked for', async () => {
    expect(await fixture.status()).toMatchObject({
      agent_connected: true,
      execution_mode: 'agent_preferred',
    });
    expect(await fixture.sessions()).toEqual([
      {
        session_id: expect.any(String),
        agent_version: expect.any(String),
        capabilities: expect.arrayContaining(['file_write', 'git_commit']),
        connected_at: expect.any(String),
        last_seen: expect.any(String),
      },
    ]);
    const file = join(fixture.root, 'hello.txt');
    expect(await act(fixture, 'file_write', { file, content: 'hello' })).toEqual({
      status: 200,
      body: {
        status: 'success',
        action: 'file_write',
        result: { returncode: 0, stdout: `Wrote 5 bytes to ${file}.`, stderr: '' },
      },
    });
    expect(readFileSync(file, 'utf8')).toBe('hello');
  });

  it('runs a key once and replays it', async () => {
    const slow = fixture.gateway.slowTest('once');
    const calls = [1, 2, 3].map(() => act(fixture, 'run_tests', slow.params, keyOf('once')));
    await slow.started();
    slow.letGo();
    const answers = await Promise.all(calls);
    expect(answers.map(({ body }) => body.result.returncode)).toEqual([0, 0, 0]);
    expect(answers.filter(({ body }) => body.idempotent_replay !== true)).toHaveLength(1);
    expect(slow.runs()).toBe(1);
  });

  it('refuses in the words of the contract, and leaves the key of what was refused unused', async () => {
    symlinkSync('/etc', join(fixture.root, 'way-out'));
    const refusals: [string, object, string, object?][] = [
      ['shell_exec', {}, "Action 'shell_exec' is explicitly blocked."],
      ['nonsense', {}, "Action 'nonsense' is implicitly blocked."],
      [
        'git_push',
        { working_dir: fixture.root, remote: 'x'.repeat(4_097) },
        "Parameter 'remote' exceeds maximum length (4096 chars).",
      ],
      [
        'git_push',
        { working_dir: fixture.root, remote: 'a;b' },
        "Parameter 'remote' contains disallowed shell metacharacters.",
      ],
      [
        'file_read',
        { file: '/etc/passwd' },
        "Path '/etc/passwd' (resolved: '/etc/passwd') is outside allowed roots.",
      ],
      [
        'file_read',
        { file: 'way-out/passwd' },
        "Path 'way-out/passwd' (resolved: '/etc/passwd') is outside allowed roots.",
      ],
      ['file_write', { file: 'no.txt', content: 'x' }, 'Operator denied the action.', { confirmed: false }],
    ];
    for (const [action, params, error, more = {}] of refusals) {
      expect(await act(fixture, action, params, { ...more, ...keyOf(`refused ${error}`) })).toEqual({
        status: 200,
        body: { status: 'error', action, error },
      });
    }
    const confirmed = await act(
      fixture,
      'file_write',
      { file: 'no.txt', content: 'x' },
      keyOf('refused Operator denied the action.'),
    );
    expect(confirmed.body).toMatchObject({ status: 'success' });
    expect(confirmed.body).not.toHaveProperty('idempotent_replay');
  });

  it('takes 120 actions a minute, and replays beyond them', async () => {
    const directory = { directory: fixture.root };
    await act(fixture, 'list_directory', directory, keyOf('rate'));
    const calls = Array.from({ length: 121 }, () => act(fixture, 'list_directory', directory));
    const errors = (await Promise.all(calls)).map(({ body }) => body.error).filter(Boolean);
    expect(new Set(errors)).toEqual(new Set(['Rate limit exceeded: 120 actions per 60s.']));
    expect((await act(fixture, 'list_directory', directory, keyOf('rate'))).body.idempotent_replay).toBe(
      true,
    );
  });

  it('writes an audit log without contents and secrets', async () => {
    const params = { file: 'audited.txt', content: 'a confidential text', api_key: 'hush' };
    await act(fixture, 'file_write', params, keyOf('audit'));
    await act(fixture, 'shell_exec', {}, keyOf('audit2'));
    const lines = fixture.audit();
    const [written, blocked] = lines.slice(-2);
    expect(written).toMatchObject({
      task_id: 'audit',
      action: 'file_write',
      decision: 'executed',
      returncode: 0,
      params: { file: 'audited.txt', content: '(19 characters)', api_key: '***' },
    });
    expect(blocked).toMatchObject({ decision: 'refused', error: expect.stringContaining('explicitly') });
    expect(JSON.stringify(lines)).not.toMatch(/confidential|hush/);
  });

  it('is asked again by its key when its connection broke, and runs nothing twice', async () => {
    const slow = fixture.gateway.slowTest('broken');
    const first = act(fixture, 'run_tests', slow.params, keyOf('broken'));
    await slow.started();
    // The gateway goes; what the agent runs goes on.
    await Promise.all([first.catch(() => 'lost'), gateway.program.kill('SIGKILL')]);
    await fixture.startGateway();
    await fixture.gateway.sql.query('update gateway.executions set alive_until = now()');
    await fixture.untilConnected();
    const again = act(fixture, 'run_tests', slow.params, keyOf('broken'));
    slow.letGo();
    expect((await again).body).toMatchObject({ result: { returncode: 0 }, idempotent_replay: true });
    expect(slow.runs()).toBe(1);
  });
});
