import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '../support/eventually.js';
import { Program } from '../support/program.js';
import { Fleet } from './fleet.js';

let fleet: Fleet;
let gateway: string;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'skyclaw-commands-'));
  fleet = await Fleet.start();
  fleet.startHost('host1', { SKYCLAW_SERVICE_BASE_PORT: '24700' });
  gateway = await fleet.startGateway({ SKYCLAW_GATEWAY_REFRESH_MS: '500' });
  await eventually('the host is there', async () => {
    const { body } = await fleet.first.fetch('/v1/hosts', fleet.token);
    return body.hosts.length === 1 ? true : undefined;
  });
});
afterAll(async () => {
  await fleet.close();
  await rm(folder, { recursive: true, force: true });
});

async function skyclaw(...args: readonly string[]) {
  const program = Program.start('skyclaw', args, {
    SKYCLAW_TOKEN: 'fleet',
    SKYCLAW_COORDINATOR_URLS: `${fleet.first.url},${fleet.second.url}`,
  });
  const code = await program.exit();
  return { code, stdout: program.stdout, stderr: program.stderr };
}

/** What a command that must work prints. */
async function printed(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await skyclaw(...args);
  expect({ code, stderr }).toMatchObject({ code: 0 });
  return stdout.trim();
}

describe('the commands, against a coordinator and a host', () => {
  it('hand in a job, show its output as it comes, and end as it does', async () => {
    const waited = await skyclaw('enqueue-shell', '--wait', 'sh', '-c', 'echo out; echo err >&2; exit 7');
    expect(waited).toMatchObject({ code: 7, stdout: 'out\n' });
    expect(waited.stderr).toContain('err\n');
    const id = await printed('enqueue-shell', 'sh', '-c', 'echo "$ANSWER"');
    expect(id).toMatch(/^job_[0-9a-f-]{36}$/);
    expect(JSON.parse(await printed('get-job', id, '--wait', '--json'))).toMatchObject({
      job: { id, status: 'completed', result: { exitCode: 0, stdout: '\n' } },
    });
    expect(await printed('list-jobs')).toContain(id);
    expect(await printed('logs', id)).toBe('');
  });

  it('refuse what the host refuses, and cancel what runs', async () => {
    const refused = await skyclaw('enqueue-shell', '--wait', 'rm', '-rf', '/nothing');
    expect(refused.code).toBe(126);
    expect(refused.stderr).toContain('command not allowed: rm');
    const id = await printed('enqueue-shell', 'sleep', '600');
    await eventually('it runs', async () =>
      (await printed('get-job', id, '--json')).includes('"leased"') ? true : undefined,
    );
    await printed('cancel-job', id, '--reason', 'no longer needed');
    await eventually('the host is free again', async () => {
      const { body } = await fleet.first.fetch('/v1/hosts/host1', fleet.token);
      return body.host.reportedActiveLeases === 0 ? true : undefined;
    });
  });

  it('deploy a service, change it by its name, and take it away', async () => {
    const file = join(folder, 'service.mjs');
    writeFileSync(
      file,
      `import http from 'node:http';
       http.createServer((q, r) => r.end(process.argv[2] + ' ' + q.url)).listen(process.env.PORT);`,
    );
    const id = await printed('deploy-service', '--wait', 'web', 'node', file, 'one');
    const answer = () => fetch(`${gateway}/v1/gateway/web/path?query=1`).then((reply) => reply.text());
    const answers = (text: string) =>
      eventually(`the gateway passes on ${text}`, async () => ((await answer()) === text ? true : undefined));
    await answers('one /path?query=1');
    const again = await skyclaw('deploy-service', '--wait', 'web', 'node', file, 'two');
    expect(again).toMatchObject({ code: 0, stdout: `${id}\n` });
    expect(again.stderr).toContain(`web is there already (${id}): this is its next generation.`);
    await answers('two /path?query=1');
    expect(await printed('rollout', 'web')).toContain('generation 2 complete');
    expect(JSON.parse(await printed('list-services'))).toMatchObject({ services: [{ id, generation: 2 }] });
    await printed('delete-service', 'web');
    expect(JSON.parse(await printed('list-services'))).toEqual({ services: [] });
  });

  it('drain a host and open it again', async () => {
    expect(await printed('list-hosts')).toContain('host1');
    await printed('drain-host', 'host1', '--deadline', '10s', '--reason', 'patching', '--wait');
    expect(await printed('list-hosts')).toContain('drained');
    await printed('uncordon-host', 'host1');
    expect(await printed('enqueue-shell', '--wait', 'true')).toBe('');
  });
});
