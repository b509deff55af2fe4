import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type RunningGateway } from '../../src/gateway/index.js';
import { startTestControlPlane } from '../support/control-plane.js';
import { eventually } from '../support/eventually.js';
import { act, GatewayFixture } from './fixture.js';

let fixture: GatewayFixture;
let gateway: RunningGateway;
let folder: string;

beforeAll(async () => {
  fixture = await GatewayFixture.create();
  folder = fixture.path('repo');
  mkdirSync(folder);
  execFileSync('git', ['init', '-q', folder]);
  const codex = fixture.path('codex');
  writeFileSync(codex, '#!/bin/sh\ncat > prompt.txt\necho x > inside.txt\necho x > outside.txt\n');
  chmodSync(codex, 0o755);
  gateway = await fixture.start({ env: { SKYNET_CODEX_BIN: codex } });
});
afterAll(() => fixture.close());

const FILES = [
  { path: '*side.txt', mode: 'read' },
  { path: 'inside.txt', mode: 'write' },
  { path: 'prompt.txt', mode: 'write' },
];

describe('what a task has leased', () => {
  it('reaches the agent, and what it wrote beyond comes back and is replayed', async () => {
    const params = { agent: 'codex', prompt: 'Do it.', working_dir: folder };
    const more = { task_id: 't', idempotency_key: 'k', files: FILES };
    const { status, body } = await act(gateway, 'run_coding_agent', params, more);
    expect({ status, result: body.result }).toMatchObject({
      status: 200,
      result: { returncode: 0, lease_violations: ['outside.txt'] },
    });
    expect(readFileSync(`${folder}/prompt.txt`, 'utf8')).toContain('You may change only:\n- inside.txt');
    const again = await act(gateway, 'run_coding_agent', params, { ...more, files: [] });
    expect(again.body).toEqual({ ...body, idempotent_replay: true });
  });

  it.each([
    ['text', "'files' must be a list of {path, mode}."],
    [{}, "'files' must be a list of {path, mode}."],
    [['a'], "'files' must be a list of {path, mode}."],
    [[{ mode: 'read' }], "'files' must be a list of {path, mode}."],
    [[{ path: ' ', mode: 'read' }], "'files' must be a list of {path, mode}."],
    [[{ path: 'a' }], "The mode of a file must be 'read' or 'write'."],
    [[{ path: 'a', mode: 'exec' }], "The mode of a file must be 'read' or 'write'."],
    [[{ path: 'a'.repeat(1_001), mode: 'read' }], "A path in 'files' may have at most 1000 characters."],
    [
      Array.from({ length: 3_001 }, () => ({ path: 'a', mode: 'read' })),
      "'files' may have at most 3000 entries.",
    ],
  ])('is refused as %.40j', async (files, error) => {
    expect(await act(gateway, 'git_status', { working_dir: folder }, { files })).toEqual({
      status: 400,
      body: { error },
    });
  });

  it('goes from the ledger through the gateway and comes back as an event', async () => {
    const api = await startTestControlPlane({
      env: { SKYNET_CONTROL_SCHEDULER_ENABLED: '1', SKYNET_CONTROL_SCHEDULER_POLL_SECS: '0.2' },
    });
    try {
      execFileSync('git', ['clean', '-qfd'], { cwd: folder });
      await api.post('/v1/register-gateway', { gateway_id: 'g', host: gateway.url });
      await api.post('/v1/tasks/enqueue', {
        task_id: 'coding',
        action: 'run_coding_agent',
        params: { agent: 'codex', prompt: 'Do it.', working_dir: folder },
        required_files: ['inside.txt', 'prompt.txt'],
      });
      const events = await eventually('the task has ended', async () => {
        const { body } = await api.fetch('/v1/events?task_id=coding');
        return body.events.at(-1)?.event_type === 'succeeded' ? body.events : undefined;
      });
      expect(events.at(-2)).toMatchObject({
        event_type: 'lease_violation',
        payload: { paths: ['outside.txt'] },
      });
    } finally {
      await api.close();
    }
  });
});
