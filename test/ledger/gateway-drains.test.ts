import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Stage } from '../explain/support.js';
import { type Json } from '../support/json.js';

let stage: Stage;
beforeAll(async () => (stage = await Stage.open()));
afterAll(() => stage.close());
beforeEach(async () => {
  await stage.clear();
  await stage.openGateway('g');
});

const PUSH = { delivery: 'push' };
const post = async (path: string, body: object = {}, headers?: Record<string, string>): Promise<Json> => {
  const reply = await stage.api.post(path, body, headers);
  expect([path, reply.status, reply.body]).toEqual([path, 200, expect.anything()]);
  return reply.body;
};
const drain = (body: object = {}) => post('/v1/gateways/g/drain', body);
const shown = async (): Promise<Json> => (await stage.api.fetch('/v1/gateways/g')).body;
const succeed = async ({
  taskId,
  workerId,
  claimToken,
}: Record<'taskId' | 'workerId' | 'claimToken', string>) =>
  post(`/v1/tasks/${taskId}/complete`, { worker_id: workerId, claim_token: claimToken, success: true });

describe('cordon and uncordon', () => {
  it('are pause and resume', async () => {
    const paused = {
      ...{ scope: 'gateway', name: 'g', paused: true, reason: 'Patching.' },
      paused_at: expect.any(String),
    };
    expect(await post('/v1/gateways/g/cordon', { reason: ' Patching. ' })).toEqual(paused);
    expect(await shown()).toMatchObject({ gateway_id: 'g', pause_reason: 'Patching.', drain: null });
    expect((await stage.api.fetch('/v1/pauses')).body.pauses).toEqual([paused]);
    expect(await post('/v1/gateways/g/uncordon')).toMatchObject({ paused: false, paused_at: null });
    expect(await shown()).toMatchObject({ paused_at: null, drain: null });
  });
});

describe('a drain', () => {
  it('sends the gateway nothing new, and is done when what it executes has ended', async () => {
    await stage.add('held', PUSH);
    const held = await stage.dispatch('g');
    await stage.add('later', PUSH);
    expect(await drain({ reason: 'New disk' })).toMatchObject({
      gateway_id: 'g',
      paused_at: expect.any(String),
      drain: {
        ...{ since: expect.any(String), deadline: null, reason: 'New disk', in_flight: 1, state: 'draining' },
        open: [],
      },
    });
    await expect(stage.dispatch('g')).rejects.toThrow('nothing to dispatch');
    const { reasons } = await stage.explain('later');
    expect(reasons).toMatchObject([{ code: 'paused', details: { scope: 'gateway', name: 'g' } }]);
    await succeed(held);
    expect((await shown()).drain).toMatchObject({ in_flight: 0, state: 'drained', open: [] });
    for (const call of reasons[0]?.unblock ?? []) expect(await stage.make(call)).toBe(200);
    expect(await stage.dispatch('g')).toMatchObject({ taskId: 'later' });
  });

  it('that is overdue lists what is left and how to give it up, and lets nobody else run it', async () => {
    await stage.openGateway('other');
    await stage.add('held', PUSH);
    await stage.dispatch('g');
    await stage.add('resting', PUSH);
    await stage.giveBack(await stage.dispatch('g'), { restSeconds: 60, keepDispatchKey: true });
    await stage.add('unknown', PUSH);
    await stage.giveBack(await stage.dispatch('g'), { keepDispatchKey: true });
    const { drain: told } = await drain({ deadline_seconds: 0 });
    expect(told).toMatchObject({
      ...{ state: 'overdue', in_flight: 3, deadline: expect.any(String) },
      open: [
        { task_id: 'held', status: 'running', since: expect.any(String) },
        { task_id: 'resting', status: 'released' },
        { task_id: 'unknown', status: 'released', since: null },
      ],
    });
    await expect(stage.dispatch('other')).rejects.toThrow('nothing to dispatch');
    for (const { give_up: call } of told.open) expect(await stage.make({ ...call, why: '' })).toBe(200);
    expect((await shown()).drain).toMatchObject({ state: 'drained', in_flight: 0 });
    expect((await stage.explain('held')).status).toBe('failed');
  });

  it('is not overdue while its deadline has not passed, and names at most a hundred tasks', async () => {
    await stage.api.query(
      `insert into tasks (id, action, params, max_attempts, lease_seconds, status, gate, holder, locked_by, claim_token,
         locked_at, lease_expires_at, dispatch_key, dispatch_gateway_id)
       select 'busy-' || n, 'a', '{}', 5, 300, 'running', 5, 'dispatcher', 'd', 'x', now(), now() + interval '1 day', 'x', 'g'
       from generate_series(1, 120) n`,
    );
    expect((await drain({ deadline_seconds: 3_600 })).drain).toMatchObject({ state: 'draining', open: [] });
    const { drain: told } = await drain({ deadline_seconds: 0 });
    expect([told.in_flight, told.open.length, told.open[0].task_id]).toEqual([120, 100, 'busy-1']);
  });

  it('goes on when it is said again, with the new deadline', async () => {
    const first = (await drain({ deadline_seconds: 60, reason: 'one' })).drain;
    const second = (await drain({ reason: 'two' })).drain;
    expect(second).toMatchObject({ since: first.since, deadline: null, reason: 'two' });
    await post('/v1/gateways/g/pause', { reason: 'three' });
    expect((await shown()).drain).toMatchObject({ since: first.since, reason: 'three' });
  });

  it.each(['resume', 'uncordon'])('ends with %s, and is not there at the next pause', async (verb) => {
    await drain({ deadline_seconds: 60 });
    await post(`/v1/gateways/g/${verb}`);
    expect((await shown()).drain).toBeNull();
    await post('/v1/gateways/g/cordon');
    expect((await shown()).drain).toBeNull();
  });

  it('is over when an older release has resumed the gateway', async () => {
    const first = (await drain({ deadline_seconds: 60 })).drain;
    await stage.api.query('update gateways set paused_at = null, pause_reason = null');
    expect((await shown()).drain).toBeNull();
    await post('/v1/gateways/g/pause');
    expect((await shown()).drain).toBeNull();
    await stage.api.query('update gateways set drain_since = $1, paused_at = null, pause_reason = null', [
      first.since,
    ]);
    expect((await drain()).drain).toMatchObject({ deadline: null });
    expect((await shown()).drain.since > first.since).toBe(true);
  });

  it('happens once under an idempotency key', async () => {
    const headers = { 'x-idempotency-key': 'drain' };
    const first = await post('/v1/gateways/g/drain', { deadline_seconds: 60 }, headers);
    expect(await post('/v1/gateways/g/drain', { deadline_seconds: 60 }, headers)).toEqual(first);
  });
});

it.each([
  ['GET', '/v1/gateways/none'],
  ['POST', '/v1/gateways/none/cordon'],
  ['POST', '/v1/gateways/none/uncordon'],
  ['POST', '/v1/gateways/none/drain'],
])('%s %s knows no gateway that is not there', async (method, path) => {
  const reply = await stage.api.call(method, path, method === 'GET' ? undefined : {});
  expect(reply).toMatchObject({
    ...{ status: 404, body: { type: 'urn:skynet:problem:gateway-not-found' } },
  });
});
