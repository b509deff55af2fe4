import { describe, expect, it } from '@jest/globals';
import { type Json } from '../support/json.js';
import { receivers } from './receivers.js';
import { ended, hostRecord, jobRecord, serviceRecord } from './records.js';

const here = receivers();

describe('a snapshot of another coordinator', () => {
  it('is imported whole or not at all; what is wrong names its place', async () => {
    const good = [jobRecord('j1'), jobRecord('j2')];
    const cases: readonly [unknown, string][] = [
      [[], 'body must be an object'],
      [{}, 'hosts is required'],
      [{ hosts: [] }, 'jobs is required'],
      [{ nodeId: 5, hosts: [], jobs: [] }, 'body.nodeId must be a text'],
      [{ hosts: {}, jobs: [] }, 'hosts must be a list'],
      [{ hosts: [1], jobs: [] }, 'hosts[0] must be an object'],
      [{ hosts: [hostRecord('')], jobs: good }, 'hosts[0].id is required'],
      [{ hosts: [hostRecord('h', { name: 3 })], jobs: good }, 'hosts[0].name must be a text'],
      [{ hosts: [hostRecord('h'), hostRecord('h')], jobs: good }, 'hosts[1].id is in the snapshot twice'],
      [
        { hosts: [hostRecord('h', { maxParallel: 0 })], jobs: good },
        'hosts[0].maxParallel must be a whole number',
      ],
      [
        { hosts: [], jobs: [...good, jobRecord('j3', { status: 'odd' })] },
        'jobs[2].status must be one of queued',
      ],
      [
        { hosts: [], jobs: [...good, jobRecord('j3', { createdAt: 'x' })] },
        'jobs[2].createdAt must be an instant',
      ],
      [
        { hosts: [], jobs: [...good, jobRecord('j3', ended('completed', { result: { finishedAt: 1 } }))] },
        'jobs[2].result.finishedAt must be an instant',
      ],
      [
        { hosts: [], jobs: good, services: [serviceRecord('s', { command: '' })] },
        'services[0].command is required',
      ],
    ];
    for (const [body, error] of cases) {
      const answer = await here.api.post('/v1/replicate/snapshot', body);
      expect(answer.status).toBe(400);
      expect(answer.body.error).toContain(error);
    }
    expect(await here.api.query('select from tasks')).toEqual([]);
    expect(await here.api.query('select from workers')).toEqual([]);
    const accepted = await here.send(good, [hostRecord('h')], { services: [serviceRecord('s')] });
    expect(accepted).toMatchObject({ status: 200, body: { changed: true } });
  });

  it('takes what has ended as it is, by whatever rules it was handed in', async () => {
    const past = (payload: unknown, more: object = {}) => ({ ...ended('completed', { payload }), ...more });
    const { body, status } = await here.send([
      jobRecord('quick', past({ kind: 'shell', command: 'x', timeoutMs: 500, env: { A: '***' } })),
      jobRecord('odd', past({ kind: 'python', code: 'print()' })),
      jobRecord('action', past({ kind: 'action', env: null })),
      jobRecord('nothing', {
        ...ended('failed'),
        payload: null,
        result: { finishedAt: '2026-01-01T00:01:00Z' },
      }),
    ]);
    expect({ status, body }).toMatchObject({ status: 200, body: { changed: true, remarks: [] } });
    expect(await here.jobOf('quick')).toMatchObject({
      status: 'completed',
      payload: { kind: 'shell', command: 'x', timeoutMs: 500, env: { A: '***' } },
    });
    expect(await here.jobOf('odd')).toMatchObject({
      status: 'completed',
      payload: { kind: 'python', code: 'print()' },
    });
    expect(await here.jobOf('action')).toMatchObject({ payload: { kind: 'action' } });
    expect(await here.jobOf('nothing')).toMatchObject({
      status: 'failed',
      payload: {},
      result: { exitCode: 1 },
    });
    // A SKYNET task is none of them.
    expect((await here.api.fetch('/v1/tasks?kind=action')).body.tasks).toEqual([]);
  });

  it('tells of waiting jobs that cannot run here, and takes all others', async () => {
    const bad = (id: string, payload: unknown) => jobRecord(id, { payload });
    const { body, status } = await here.send([
      jobRecord('good'),
      bad('none', null),
      bad('empty', { kind: 'shell' }),
      bad('quick', { kind: 'shell', command: 'x', timeoutMs: 500 }),
      bad('hidden', { kind: 'shell', command: 'x', env: { A: '***' } }),
      jobRecord('after', { dependencies: ['empty'] }),
      jobRecord('long-after', { dependencies: ['after', 'good'] }),
    ]);
    expect({ status, body }).toMatchObject({ status: 200, body: { changed: true, remarkCount: 6 } });
    const remarks = new Map(body.remarks.map(({ id, text }: Json) => [id, text]));
    expect(remarks.get('none')).toBe('left out: payload is required');
    expect(remarks.get('empty')).toBe('left out: payload.command is required');
    expect(remarks.get('quick')).toContain('left out: payload.timeoutMs must be');
    expect(remarks.get('hidden')).toContain('left out: payload.env hides the value of A');
    expect(remarks.get('after')).toBe('left out: it waits for empty, which was left out');
    expect(remarks.get('long-after')).toBe('left out: it waits for after, which was left out');
    expect((await here.api.query<{ id: string }>('select id from tasks')).map(({ id }) => id)).toEqual([
      'good',
    ]);
  });
});
