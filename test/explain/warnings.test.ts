import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { DataSource as DataSourceToken } from 'typeorm';
import { RegistryService } from '../../src/control-plane/registry/index.js';
import { Stage } from './support.js';

let stage: Stage;
beforeAll(async () => (stage = await Stage.open()));
afterAll(() => stage.close());
beforeEach(async () => {
  await stage.clear();
  stage.api.get(RegistryService).forgetRoster();
});

const enqueue = async (body: object) => {
  const reply = await stage.api.post('/v1/tasks/enqueue', { action: 'act', ...body });
  expect(reply.status).toBe(200);
  return reply.body;
};
const NEVER = 'It can never run as things stand: ';

describe('a task that is handed in', () => {
  it.each([
    ['any', { required_capabilities: ['gpu'] }, 'No worker or gateway is registered.'],
    ['pull', { required_capabilities: [' gpu '], delivery: 'pull' }, 'No worker is registered.'],
    [
      'push',
      { gateway_id: 'nowhere', gateway_strict: true, delivery: 'push' },
      /^Gateway 'nowhere' is not registered/,
    ],
  ])('for %s is answered with a warning when nobody is there who could run it', async (_, body, why) => {
    const { task, warnings } = await enqueue(body);
    expect(task.status).toBe('queued');
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(NEVER);
    expect(warnings[0].slice(NEVER.length)).toMatch(why);
    expect((await stage.explain(task.id)).never_reason).toBe(warnings[0].slice(NEVER.length));
  });

  it.each([
    ['asks for nothing', {}],
    ['asks for what a silent worker can do', { required_capabilities: ['gpu'] }],
    ['asks for a gateway that is offline', { gateway_id: 'g', gateway_strict: true }],
    ['prefers a gateway that nobody knows', { gateway_id: 'nowhere' }],
    ['is strict about no gateway', { gateway_id: ' ', gateway_strict: true }],
    ['asks for blanks', { required_capabilities: [' '] }],
  ])('gets none when it %s', async (_, body) => {
    await stage.silentWorker('w', ['gpu']);
    await stage.offlineGateway('g');
    expect(await enqueue(body)).not.toHaveProperty('warnings');
  });

  it('in a batch is named by its place, with those that want the same', async () => {
    await stage.worker('w');
    const gpu = { action: 'act', required_capabilities: ['gpu'] };
    const tasks = [gpu, { action: 'act' }, gpu, { ...gpu, required_capabilities: ['gpu', 'ssd'] }];
    const { body } = await stage.api.post('/v1/tasks/batch', { tasks });
    expect(body.tasks).toHaveLength(4);
    expect(body.warnings).toEqual([
      `tasks[0], tasks[2]: ${NEVER}No registered worker or gateway has the capability 'gpu'.`,
      `tasks[3]: ${NEVER}No registered worker or gateway has all of the capabilities 'gpu', 'ssd'.`,
    ]);
    const { body: plain } = await stage.api.post('/v1/tasks/batch', { tasks: [{ action: 'act' }] });
    expect(plain).not.toHaveProperty('warnings');
  });

  it('costs one look a second for all, and none when it asks for nothing', async () => {
    const registry = stage.api.get(RegistryService);
    const first = registry.recentRoster();
    expect(registry.recentRoster()).toBe(first);
    await first;
    const runner = stage.api.get(DataSourceToken).createQueryRunner();
    try {
      await runner.query('begin');
      await runner.query('lock table gateways, workers in access exclusive mode');
      // Nobody can look now: what is answered did not.
      await enqueue({});
      await enqueue({ required_capabilities: ['gpu'] });
    } finally {
      await runner.query('rollback');
      await runner.release();
    }
  });

  it('gets the same warning when it is sent again under its key', async () => {
    const send = () =>
      stage.api.post(
        '/v1/tasks/enqueue',
        { action: 'act', required_capabilities: ['gpu'] },
        { 'x-idempotency-key': 'twice' },
      );
    const first = await send();
    await stage.worker('w', ['gpu']);
    stage.api.get(RegistryService).forgetRoster();
    expect((await send()).body).toEqual(first.body);
  });
});
