import { describe, expect, it } from '@jest/globals';
import { aHost, ended, useCoordinator } from './fixture.js';
import { json } from './scriptable-coordinator.js';

const { coordinator, skyclaw, start } = useCoordinator();
const pretty = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;
const drain = {
  since: '2026-01-02T03:04:05.678Z',
  deadline: '2026-01-02T03:14:05.678Z',
  reason: 'new kernel',
};

describe('list-hosts', () => {
  const hosts = [
    aHost({ activeLeases: 2 }),
    aHost({ id: 'host_bb', name: 'evil\u001b]0;x\u0007\nname', status: 'offline' }),
  ];

  it('prints columns that do nothing to a terminal', async () => {
    coordinator().on('GET /v1/hosts', json({ hosts }));
    expect((await skyclaw('list-hosts')).stdout.replaceAll(/\d+s/g, '5s')).toBe(
      `ID       NAME           STATUS   JOBS  SEEN  CAPABILITIES
host_a   alpha          online   2/4   5s    openclaw,shell
host_bb  evil ]0;x name  offline  0/4   5s    openclaw,shell
`
        .replace('NAME           ', 'NAME            ')
        .replace('alpha          ', 'alpha           '),
    );
  });

  it('prints the answer with --json', async () => {
    coordinator().on('GET /v1/hosts', json({ hosts }));
    expect((await skyclaw('list-hosts', '--json')).stdout).toBe(pretty({ hosts }));
  });
});

describe('get-host', () => {
  it('shows a host', async () => {
    const lastSeenAt = new Date(Date.now() - 3_600_000 * 3).toISOString();
    coordinator().on(
      'GET /v1/hosts/host_a',
      json({ host: aHost({ status: 'draining', drain, lastSeenAt }) }),
    );
    expect((await skyclaw('get-host', 'host_a')).stdout).toBe(`id            host_a
name          alpha
status        draining
jobs          0 of 4
capabilities  openclaw, shell
draining      since 2026-01-02T03:04:05.678Z until 2026-01-02T03:14:05.678Z: new kernel
registered    2026-01-02T03:04:05.678Z
last seen     ${lastSeenAt} (3h ago)
`);
  });

  it('says what the API says of a host that is not there', async () => {
    coordinator().on('GET /v1/hosts/x', json({ error: 'unknown host: x' }, 404));
    expect(await skyclaw('get-host', 'x')).toEqual({
      code: 1,
      stdout: '',
      stderr: '[skyclaw] unknown host: x\n',
    });
  });
});

describe('orders to a host', () => {
  it.each([
    ['cordon-host', 'cordon', 'cordoned'],
    ['uncordon-host', 'uncordon', 'online'],
    ['revoke-host', 'revoke', 'revoked'],
    ['readmit-host', 'readmit', 'online'],
  ] as const)('%s', async (command, order, status) => {
    const route = `POST /v1/hosts/host_a/${order}`;
    coordinator().on(route, json({ host: aHost({ status, activeLeases: 1 }) }));
    expect(await skyclaw(command, 'host_a', '--reason', 'disk')).toEqual({
      code: 0,
      stdout: `host_a is ${status}, with 1 job.\n`,
      stderr: '',
    });
    expect(coordinator().seen[0]).toMatchObject({ body: { reason: 'disk' } });
    expect(coordinator().seen[0]?.headers['x-idempotency-key']).toBeDefined();
  });
});

describe('drain-host', () => {
  const draining = (activeLeases: number) => aHost({ status: 'draining', drain, activeLeases });

  it('sends deadline and reason, and says until when', async () => {
    coordinator().on('POST /v1/hosts/host_a/drain', json({ host: draining(3) }));
    expect(
      (await skyclaw('drain-host', 'host_a', '--deadline', '10m', '--reason', 'new kernel')).stdout,
    ).toBe('host_a is draining, with 3 jobs, until 2026-01-02T03:14:05.678Z.\n');
    expect(coordinator().seen[0]?.body).toEqual({ deadlineMs: 600_000, reason: 'new kernel' });
  });

  it('waits until nothing runs there', async () => {
    coordinator()
      .on('POST /v1/hosts/host_a/drain', json({ host: draining(1) }))
      .on('GET /v1/hosts/host_a', json({ host: aHost({ status: 'drained', drain }) }));
    expect(await skyclaw('drain-host', 'host_a', '--wait')).toMatchObject({
      code: 0,
      stdout:
        'host_a is draining, with 1 job, until 2026-01-02T03:14:05.678Z.\nhost_a is drained, with no jobs.\n',
    });
  });

  it('ends with 1 when somebody ends the drain', async () => {
    coordinator()
      .on('POST /v1/hosts/host_a/drain', json({ host: draining(1) }))
      .on('GET /v1/hosts/host_a', json({ host: aHost() }));
    expect(await skyclaw('drain-host', 'host_a', '--wait')).toMatchObject({
      code: 1,
      stderr: '[skyclaw] host_a is no longer draining, it is online\n',
    });
  });

  it('goes on without us at Ctrl-C', async () => {
    coordinator()
      .on('POST /v1/hosts/host_a/drain', json({ host: draining(1) }))
      .on('GET /v1/hosts/host_a', json({ host: draining(1) }));
    const program = start(['drain-host', 'host_a', '--wait']);
    await program.line(/(draining)/);
    program.child.kill('SIGINT');
    expect(await ended(program)).toMatchObject({
      code: 130,
      stderr:
        '[skyclaw] host_a goes on draining. Look at it with skyclaw get-host host_a, or end it with skyclaw uncordon-host host_a.\n',
    });
  });
});
