import { describe, expect, it } from '@jest/globals';
import { receivers } from './receivers.js';
import { ended, hostRecord, jobRecord } from './records.js';

const here = receivers();

describe('a snapshot of another coordinator', () => {
  it('may be sent twice, on any replica and at once: the second changes nothing', async () => {
    const jobs = Array.from({ length: 50 }, (_, n) => jobRecord(`j${n}`));
    const answers = await Promise.all(
      [here.api, here.other, here.api, here.other].map((to) => here.send(jobs, [hostRecord('h1')], {}, to)),
    );
    expect(answers.map(({ body }) => body.changed).sort()).toEqual([false, false, false, true]);
    expect(await here.taken(jobs, [hostRecord('h1')])).toBe(false);
    await here.expectEvents('j7', ['enqueued: Imported.']);
  });

  it('replaces what was imported and left alone by what is newer: by version, time and writer', async () => {
    await here.taken([jobRecord('replaced')], [hostRecord('untouched')]);
    const older = jobRecord('replaced', { version: 10, updatedAt: '2027-01-01T00:00:00.000Z', priority: 9 });
    expect(await here.taken([older], [hostRecord('untouched', { version: 6, name: 'older' })])).toBe(false);
    const newer = jobRecord('replaced', {
      updatedAt: '2026-01-01T00:00:02.000Z',
      priority: 3,
      submittedBy: 'else',
    });
    expect(await here.taken([newer])).toBe(true);
    expect(await here.jobOf('replaced')).toMatchObject({
      priority: 3,
      submittedBy: 'else',
      status: 'queued',
    });
    expect(await here.taken([{ ...newer, updatedBy: 'zz' }])).toBe(true);
    expect(await here.taken([{ ...newer, updatedBy: 'aa' }])).toBe(false);
    expect(await here.taken([jobRecord('replaced', ended('completed', { version: 20 }))])).toBe(true);
    expect(await here.jobOf('replaced')).toMatchObject({ status: 'completed', result: { stdout: 'out' } });
    await here.expectEvents('replaced', [
      'enqueued: Imported.',
      'enqueued: Imported anew.',
      'enqueued: Imported anew.',
      'enqueued: Imported anew.',
      'succeeded: Task finished.',
    ]);
    expect(
      await here.taken([], [hostRecord('untouched', { version: 8, name: 'renamed', maxParallel: 1 })]),
    ).toBe(true);
    expect((await here.api.fetch('/v1/hosts/untouched')).body.host).toMatchObject({
      name: 'renamed',
      status: 'offline',
    });
  });

  it('never takes a job back behind its end', async () => {
    await here.taken([jobRecord('j1', ended('completed'))]);
    expect(await here.taken([jobRecord('j1', { version: 99 })])).toBe(false);
    expect(await here.jobOf('j1')).toMatchObject({ status: 'completed' });
    const again = ended('completed', { version: 99, result: undefined });
    expect(await here.taken([jobRecord('j1', again)])).toBe(true);
    expect(await here.jobOf('j1')).toMatchObject({ status: 'completed', version: 99 });
  });

  it('leaves alone what was made here, and what was changed here since', async () => {
    const { body: submitted } = await here.api.post('/v1/jobs', {
      payload: { kind: 'shell', command: 'native' },
    });
    await here.api.post('/v1/tasks/enqueue', { task_id: 'task', action: 'file_read' });
    await here.api.post('/v1/register-worker', { worker_id: 'w1' });
    await here.api.post('/v1/hosts/register', { hostId: 'native', name: 'native' });
    const native = submitted.job.id as string;
    const loud = { version: 1_000, status: 'completed' };
    const strangers = [
      jobRecord(native, ended('completed', loud)),
      jobRecord('task', ended('completed', loud)),
    ];
    expect(await here.taken(strangers, [hostRecord('w1'), hostRecord('native', { version: 1_000 })])).toBe(
      false,
    );
    expect(await here.jobOf(native)).toMatchObject({ status: 'queued', payload: { command: 'native' } });

    await here.taken([jobRecord('claimed'), jobRecord('cancelled')], [hostRecord('h1'), hostRecord('h2')]);
    await here.api.post('/v1/hosts/h1/heartbeat', {});
    await here.api.post('/v1/hosts/h2/cordon', {});
    await here.api.post('/v1/hosts/h2/uncordon', {});
    expect((await here.api.post('/v1/hosts/h1/claim')).body.job.id).toBe('claimed');
    await here.api.post('/v1/jobs/cancelled/cancel', {});
    const newer = [jobRecord('claimed', ended('completed', loud)), jobRecord('cancelled', loud)];
    const hosts = [hostRecord('h1', { version: 1_000 }), hostRecord('h2', { version: 1_000 })];
    expect(await here.taken(newer, hosts)).toBe(false);
    expect(await here.jobOf('claimed')).toMatchObject({ status: 'leased' });
    expect(await here.jobOf('cancelled')).toMatchObject({ status: 'failed' });
  });
});
