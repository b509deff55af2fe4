import { describe, expect, it } from '@jest/globals';
import { aRollout, aService, ended, useCoordinator } from './fixture.js';
import { json } from './scriptable-coordinator.js';

const { coordinator, skyclaw, start } = useCoordinator();
const pretty = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;
const running = {
  hostId: 'host_a',
  slot: 0,
  status: 'running',
  updatedAt: '2026-01-02T03:04:05.678Z',
  generation: 1,
  restarts: 0,
} as const;

describe('deploy-service', () => {
  it('deploys one replica and prints its id, nothing else', async () => {
    coordinator().on('POST /v1/services', json({ service: aService() }));
    expect(await skyclaw('deploy-service', 'web', 'node', 'server.js', '--wait')).toEqual({
      code: 0,
      stdout: 'svc_1\n',
      stderr: '',
    });
    expect(coordinator().seen[0]?.body).toEqual({
      name: 'web',
      command: 'node',
      args: ['server.js', '--wait'],
      replicas: 1,
      requiredCapabilities: ['service-host'],
    });
    expect(coordinator().seen[0]?.headers['x-idempotency-key']).toBeDefined();
  });

  it('sends every flag that stands before the name, and allows -- before the command', async () => {
    coordinator().on('POST /v1/services', json({ service: aService() }));
    const flags =
      '--replicas 3 --capability gpu --capability ssd --max-per-host 2 --health-path /ok --env A=1 --cwd /srv --image node:20 --id web-1';
    await skyclaw('deploy-service', ...flags.split(' '), 'web', '--', 'node', '--inspect');
    expect(coordinator().seen[0]?.body).toEqual({
      serviceId: 'web-1',
      name: 'web',
      command: 'node',
      args: ['--inspect'],
      cwd: '/srv',
      env: { A: '1' },
      replicas: 3,
      requiredCapabilities: ['service-host', 'gpu', 'ssd'],
      maxPerHost: 2,
      healthPath: '/ok',
      image: 'node:20',
    });
  });

  it.each([[[]], [['web']], [['web', '--']], [['--', 'web']]])('refuses %j', async (args) => {
    expect(await skyclaw('deploy-service', ...args)).toEqual({
      code: 1,
      stdout: '',
      stderr: '[skyclaw] deploy-service requires <name> <command> [args...]\n',
    });
  });

  it('tells what the API has against it', async () => {
    coordinator().on('POST /v1/services', json({ error: 'service name in use' }, 409));
    expect((await skyclaw('deploy-service', '--id', 'svc_x', 'web', 'node')).stderr).toBe(
      '[skyclaw] service name in use\n',
    );
  });

  it('waits until its own generation is rolled out, not an older one', async () => {
    coordinator()
      .on('POST /v1/services', json({ service: aService({ generation: 2 }) }))
      .on(
        'GET /v1/services/svc_1/rollout',
        json({ rollout: aRollout({ generation: 1, state: 'complete' }) }),
        json({ rollout: aRollout() }),
        json({ rollout: aRollout({ state: 'complete', updated: 2, ready: 2, old: 0 }) }),
      );
    expect(await skyclaw('deploy-service', '--wait', 'web', 'node')).toEqual({
      code: 0,
      stdout: 'svc_1\n',
      stderr:
        '[skyclaw] generation 2 progressing: 1 of 2 updated, 1 ready, 1 old\n[skyclaw] generation 2 complete: 2 of 2 updated, 2 ready, 0 old\n',
    });
  });
});

describe('list-services', () => {
  const services = [
    aService({ status: 'running', replicas: 2, assignments: [{ ...running, endpoint: 'http://a:3100' }] }),
  ];

  it('prints the answer as JSON', async () => {
    coordinator().on('GET /v1/services', json({ services }));
    expect(await skyclaw('list-services')).toEqual({ code: 0, stdout: pretty({ services }), stderr: '' });
  });

  it('prints a table on request', async () => {
    coordinator().on('GET /v1/services', json({ services }));
    expect((await skyclaw('list-services', '--table')).stdout.replace(/\d+d/, '1d')).toMatch(
      /^ID {5}NAME {2}STATUS {3}RUNNING {2}GENERATION {2}AGE +ENDPOINTS\nsvc_1 {2}web {3}running {2}1\/2 {6}1 {11}1d +http:\/\/a:3100\n$/,
    );
  });
});

describe('orders to a service', () => {
  const services = [
    aService({ id: 'svc_0', status: 'stopped' }),
    aService({ status: 'running', assignments: [running] }),
    aService({ id: 'svc_2', name: 'api' }),
  ];

  it.each([
    ['stop-service', [], 'POST /v1/services/svc_1/stop', {}, 'web (svc_1) is stopped: 0 of 1 run.\n'],
    ['restart-service', [], 'POST /v1/services/svc_1/restart', {}, 'web (svc_1) is stopped: 0 of 1 run.\n'],
    ['delete-service', [], 'DELETE /v1/services/svc_1', {}, 'web (svc_1) is deleted.\n'],
    [
      'scale-service',
      ['3'],
      'PATCH /v1/services/svc_1',
      { replicas: 3 },
      'web (svc_1) is stopped: 0 of 1 run.\n',
    ],
  ])('%s finds the live one of this name', async (command, args, route, body, text) => {
    coordinator()
      .on('GET /v1/services', json({ services }))
      .on(route, json({ service: aService({ status: 'stopped' }) }));
    expect(await skyclaw(command, 'web', ...args)).toEqual({ code: 0, stdout: text, stderr: '' });
    const [call] = coordinator().calls(route);
    expect(call?.body).toEqual(body);
    expect(call?.headers['x-idempotency-key']).toBeDefined();
  });

  it('go by id before they go by name', async () => {
    coordinator()
      .on('GET /v1/services', json({ services: [aService({ name: 'svc_2' }), ...services] }))
      .on('POST /v1/services/svc_2/stop', json({ service: aService({ id: 'svc_2', name: 'api' }) }));
    expect((await skyclaw('stop-service', 'svc_2', '--json')).stdout).toContain('"name": "api"');
  });

  it('name the closest one there is', async () => {
    coordinator().on('GET /v1/services', json({ services }));
    expect(await skyclaw('stop-service', 'webb')).toEqual({
      code: 1,
      stdout: '',
      stderr: '[skyclaw] no service is called webb\nDid you mean web?\n',
    });
  });

  it('do not guess between several of one name', async () => {
    const stopped = ['svc_7', 'svc_8'].map((id) => aService({ id, status: 'stopped' }));
    coordinator().on('GET /v1/services', json({ services: stopped }));
    expect((await skyclaw('delete-service', 'web')).stderr).toBe(
      '[skyclaw] several services were called web; name one by its id: svc_7, svc_8\n',
    );
  });

  it('refuse a number that is none', async () => {
    const { code, stderr } = await skyclaw('scale-service', 'web', 'many');
    expect([code, stderr]).toEqual([
      1,
      "[skyclaw] command-argument value 'many' is invalid for argument 'replicas'. It must be a whole number, 0 or more.\n",
    ]);
  });
});

describe('rollout', () => {
  const scripted = (...rollouts: ReturnType<typeof aRollout>[]) =>
    coordinator()
      .on('GET /v1/services', json({ services: [aService()] }))
      .on('GET /v1/services/svc_1/rollout', ...rollouts.map((rollout) => json({ rollout })));

  it.each([
    ['complete', 0],
    ['rolled-back', 1],
    ['failed', 1],
    ['stopped', 1],
  ] as const)('prints progress until it is %s, each line once, and ends with %d', async (state, code) => {
    const last = aRollout({ state, message: 'That is it.', updated: 2, ready: 2, old: 0 });
    scripted(aRollout(), aRollout(), aRollout({ ready: 2 }), last);
    expect(await skyclaw('rollout', 'web', '--watch')).toEqual({
      code,
      stdout: `generation 2 progressing: 1 of 2 updated, 1 ready, 1 old
generation 2 progressing: 1 of 2 updated, 2 ready, 1 old
generation 2 ${state}: 2 of 2 updated, 2 ready, 0 old. That is it.
`,
      stderr: '',
    });
  });

  it('shows without --watch where it stands', async () => {
    scripted(aRollout());
    expect(await skyclaw('rollout', 'web')).toMatchObject({
      code: 0,
      stdout: 'generation 2 progressing: 1 of 2 updated, 1 ready, 1 old\n',
    });
    expect((await skyclaw('rollout', 'web', '--json')).stdout).toBe(pretty({ rollout: aRollout() }));
  });

  it('goes on without us at Ctrl-C', async () => {
    scripted(aRollout());
    const program = start(['rollout', 'web', '--watch']);
    await program.line(/(progressing)/);
    program.child.kill('SIGINT');
    expect(await ended(program)).toMatchObject({
      code: 130,
      stderr: '[skyclaw] The rollout goes on. Look at it with skyclaw rollout svc_1.\n',
    });
  });
});
