import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { expect, it } from '@jest/globals';
import { GatewayFixture } from '../gateway/fixture.js';
import { startTestControlPlane } from '../support/control-plane.js';
import { eventually } from '../support/eventually.js';
import { ScriptableGateway } from '../support/scriptable-gateway.js';

const FOLDER = 'examples/skills';
const KEY = 'the key of the control plane';

/** Runs the blocks of the skill as an agent would; the answer of the `index`th. */
async function answerOf(index: number, env: Record<string, string>): Promise<Record<string, unknown>> {
  const text = readFileSync(`${FOLDER}/skynet-delegate/SKILL.md`, 'utf8');
  const block = [...text.matchAll(/^```sh\n([^]*?)^```$/gm)][index]?.[1] ?? '';
  const { stdout } = await promisify(execFile)('bash', ['-c', block], {
    env: { PATH: process.env['PATH'], ...env },
  });
  return JSON.parse(stdout) as Record<string, unknown>;
}

it('the skill for delegating hands tasks to the control plane, with its key', async () => {
  const gateway = await ScriptableGateway.start();
  const api = await startTestControlPlane({
    env: { SKYNET_API_KEY: KEY, SKYNET_HOST: '127.0.0.1', SKYNET_CONTROL_SCHEDULER_ENABLED: '1' },
  });
  try {
    const env = {
      SKYNET_ORCHESTRATOR_URL: api.url,
      SKYNET_API_KEY: KEY,
      TASK_ID: 'delegated',
      ACTION: 'git_status',
      PARAMS: '{"working_dir": "/srv/app"}',
    };
    expect(await answerOf(0, { ...env, SKYNET_API_KEY: '' })).toEqual({ detail: 'Unauthorized' });
    expect((await answerOf(0, env))['task']).toMatchObject({ id: 'delegated', status: 'queued' });
    expect(await answerOf(0, env)).toEqual({ detail: "Task 'delegated' already exists." });
    expect(await answerOf(2, env)).toMatchObject({ task_id: 'delegated', status: 'queued' });
    const call = { gateway_id: 'g', host: gateway.url };
    await api.post('/v1/register-gateway', call, { 'x-api-key': KEY });
    const ended = await eventually('it has ended', async () => {
      const task = await answerOf(1, env);
      return task['status'] === 'succeeded' ? task : undefined;
    });
    expect(ended['result']).toMatchObject({ status: 'success' });
  } finally {
    await api.close();
    await gateway.close();
  }
});

it('a gateway finds it as a skill', async () => {
  const fixture = await GatewayFixture.create();
  try {
    const gateway = await fixture.start({
      env: { SKYNET_EXTERNAL_SKILLS_DIR: FOLDER, SKYNET_EXTERNAL_SKILLS_CACHE_DIR: fixture.path('cache') },
    });
    const { skills } = (await (await fetch(`${gateway.url}/skills`)).json()) as { skills: object[] };
    expect(skills).toEqual([expect.objectContaining({ name: 'skynet-delegate' })]);
    await gateway.close();
  } finally {
    await fixture.close();
  }
});
