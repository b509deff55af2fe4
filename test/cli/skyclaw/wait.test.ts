import { describe, expect, it } from '@jest/globals';
import { eventually } from '../../support/eventually.js';
import { aJob, anEndedJob, aService, ended, useCoordinator } from './fixture.js';
import { drop, endFrame, json, logFrame, type Reply, stream } from './scriptable-coordinator.js';

const { coordinator, start, skyclaw } = useCoordinator();

const LOGS = 'GET /v1/jobs/job_1/logs';

/** A job that is queued when it is handed in, has these logs, and ends so. */
function scripted(job: ReturnType<typeof aJob>, ...logs: Reply[]): void {
  coordinator()
    .on('POST /v1/jobs', json({ job: aJob() }))
    .on('GET /v1/jobs/job_1', json({ job }))
    .on(LOGS, ...logs);
}

/** A whole log in one piece, with its end. */
function whole(exitCode: number, ...frames: string[]): Reply {
  return stream((response) => {
    const status = exitCode === 0 ? 'completed' : 'failed';
    response.end([...frames, endFrame({ status, exitCode })].join(''));
  });
}

describe('enqueue-shell --wait', () => {
  it.each([0, 1, 7, 126, 255])('ends with the exit code %d of the job', async (exitCode) => {
    scripted(anEndedJob(exitCode), whole(exitCode));
    expect((await skyclaw('enqueue-shell', '--wait', 'x')).code).toBe(exitCode);
  });

  it.each([
    ['a job that failed without one', aJob({ status: 'failed', error: 'lease expired after 5 attempts' })],
    ['one that failed with 0', anEndedJob(0, { status: 'failed', error: 'lease expired after 5 attempts' })],
    ['one whose eight bits are 0', anEndedJob(256, { error: 'lease expired after 5 attempts' })],
  ])('ends with 1 for %s, and says why', async (_what, job) => {
    scripted(job, whole(1));
    const { code, stderr } = await skyclaw('enqueue-shell', '--wait', 'x');
    expect(code).toBe(1);
    expect(stderr).toBe(
      '[skyclaw] job_1 is queued.\n[skyclaw] job_1 failed: lease expired after 5 attempts\n',
    );
  });

  it('writes each stream where it belongs, byte for byte', async () => {
    const text = 'zwölf \u001b[32m✓\u001b[0m\r\n  a\n\n: b\ndata: c';
    scripted(
      anEndedJob(0),
      whole(
        0,
        'retry: 100\n\n: alive\n\n',
        logFrame(1, text),
        logFrame(2, 'oops\n', { stream: 'stderr' }),
        logFrame(3, 'end'),
      ),
    );
    expect(await skyclaw('enqueue-shell', '--wait', 'x')).toEqual({
      code: 0,
      stdout: `${text}end`,
      stderr: '[skyclaw] job_1 is queued.\noops\n',
    });
  });

  it('shows output while the job runs', async () => {
    let goOn = () => undefined as unknown;
    scripted(
      anEndedJob(0),
      stream((response) => {
        response.write(logFrame(1, 'first\n'));
        goOn = () => response.end(logFrame(2, 'second\n') + endFrame({ status: 'completed', exitCode: 0 }));
      }),
    );
    const program = start(['enqueue-shell', '--wait', 'x']);
    await program.line(/(first)/);
    expect(program.stdout).toBe('first\n');
    goOn();
    expect(await ended(program)).toMatchObject({ code: 0, stdout: 'first\nsecond\n' });
  });

  it('resumes a stream that breaks off where it was, in the middle of an entry too, and shows nothing twice', async () => {
    scripted(
      anEndedJob(0),
      stream((response) => {
        response.write(
          `retry: 10\n\n${logFrame(1, 'one ')}${logFrame(2, 'two ')}${logFrame(3, 'half').slice(0, 30)}`,
        );
        setTimeout(() => response.destroy(), 50);
      }),
      drop,
      drop,
      // This one begins earlier than it was asked to.
      whole(0, logFrame(2, 'two '), logFrame(3, 'three\n')),
    );
    const { code, stdout, stderr } = await skyclaw('enqueue-shell', '--wait', 'x');
    expect([code, stdout]).toEqual([0, 'one two three\n']);
    expect(stderr.split('\n')).toEqual([
      '[skyclaw] job_1 is queued.',
      '[skyclaw] The coordinator does not answer; trying for 120 s.',
      '[skyclaw] The coordinator is back.',
      '',
    ]);
    const calls = coordinator().calls(LOGS);
    expect(calls.map(({ headers }) => headers['last-event-id'])).toEqual([undefined, '1-2', '1-2', '1-2']);
    expect(calls[0]?.path).toBe('/v1/jobs/job_1/logs?follow=1');
  });

  it('outlives a coordinator that is away for a while', async () => {
    scripted(
      anEndedJob(0),
      stream((response) => response.write(logFrame(1, 'before '))),
      whole(0, logFrame(2, 'after\n')),
    );
    const program = start(['enqueue-shell', '--wait', 'x']);
    await program.line(/(before )/);
    await coordinator().close();
    await eventually('the outage is told', () =>
      Promise.resolve(program.stderr.includes('does not answer') || undefined),
    );
    await coordinator().open();
    expect(await ended(program)).toMatchObject({ code: 0, stdout: 'before after\n' });
  });

  it('goes on elsewhere when the coordinator says that it shuts down', async () => {
    scripted(
      anEndedJob(0),
      stream((response) => {
        const farewell = 'retry: 10\n\nevent: end\ndata: {"reason":"shutting-down"}\n\n';
        response.end(logFrame(1, 'one ') + farewell);
      }),
      whole(0, logFrame(2, 'two\n')),
    );
    expect(await skyclaw('enqueue-shell', '--wait', 'x')).toMatchObject({ code: 0, stdout: 'one two\n' });
  });

  it('gives up after SKYCLAW_CLI_RECONNECT_SECS, and says how to find the job again', async () => {
    scripted(anEndedJob(0), drop);
    const { code, stderr } = await ended(
      start(['enqueue-shell', '--wait', 'x'], { SKYCLAW_CLI_RECONNECT_SECS: '0.1' }),
    );
    expect(code).toBe(1);
    expect(stderr).toContain('[skyclaw] job_1 goes on. Look at it with skyclaw get-job job_1, or cancel it');
    expect(stderr).toContain(`[skyclaw] The coordinator cannot be reached at ${coordinator().url} (`);
  });

  it('announces another attempt, and shows its output from the beginning', async () => {
    scripted(
      anEndedJob(0, { attempts: 2 }),
      whole(
        0,
        logFrame(1, 'lost\n'),
        logFrame(1, 'again\n', { attempt: 2, hostId: 'host_b' }),
        logFrame(2, 'late\n'),
      ),
    );
    expect(await skyclaw('enqueue-shell', '--wait', 'x')).toEqual({
      code: 0,
      stdout: 'lost\nagain\n',
      stderr: '[skyclaw] job_1 is queued.\n[skyclaw] attempt 2, on host_b\n',
    });
  });

  it('takes from the result what the log does not have', async () => {
    scripted(
      anEndedJob(0, { stdout: 'streamed and the rest\n', stderr: 'warning\n' }),
      whole(0, logFrame(1, 'streamed ')),
    );
    const { stdout, stderr } = await skyclaw('enqueue-shell', '--wait', 'x');
    expect([stdout, stderr]).toEqual(['streamed and the rest\n', '[skyclaw] job_1 is queued.\nwarning\n']);
  });

  it('adds nothing from a result that was cut', async () => {
    scripted(
      anEndedJob(0, { stdout: 'streamed\n[output truncated]\n' }),
      whole(0, logFrame(1, 'streamed and much more\n')),
    );
    expect((await skyclaw('enqueue-shell', '--wait', 'x')).stdout).toBe('streamed and much more\n');
  });

  it.each([
    ['has no such route', json({ error: 'not found' }, 404)],
    ['knows no streams', json({ entries: [], truncated: false })],
  ])('looks at the job again and again where the coordinator %s', async (_what, reply) => {
    scripted(anEndedJob(7, { stdout: 'out\n', stderr: 'err\n' }), reply);
    coordinator().on(
      'GET /v1/jobs/job_1',
      json({ job: aJob() }),
      json({ job: aJob({ status: 'leased' }) }),
      json({ error: 'restarting' }, 503),
      json({ job: anEndedJob(7, { stdout: 'out\n', stderr: 'err\n' }) }),
    );
    const { code, stdout, stderr } = await skyclaw('enqueue-shell', '--wait', 'x');
    expect([code, stdout]).toEqual([7, 'out\n']);
    expect(stderr).toContain('\nerr\n');
  });

  it('prints the ended job with --json, and nothing else on stdout', async () => {
    const job = anEndedJob(7, { stdout: 'out\n' });
    scripted(job, whole(7, logFrame(1, 'out\n')));
    const { code, stdout } = await skyclaw('enqueue-shell', '--wait', '--json', 'x');
    expect([code, JSON.parse(stdout)]).toEqual([7, { job }]);
  });

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('lets the job run on at %s, and says what to do about it', async (signal, code) => {
    scripted(
      aJob({ status: 'leased' }),
      stream((response) => response.write(logFrame(1, 'working\n'))),
    );
    const program = start(['enqueue-shell', '--wait', 'x']);
    await program.line(/(working)/);
    program.child.kill(signal);
    expect(await ended(program)).toEqual({
      code,
      stdout: 'working\n',
      stderr:
        '[skyclaw] job_1 is queued.\n[skyclaw] job_1 goes on. Look at it with skyclaw get-job job_1, or cancel it with skyclaw cancel-job job_1.\n',
    });
    expect(coordinator().seen.every(({ method, path }) => method === 'GET' || path === '/v1/jobs')).toBe(
      true,
    );
  });

  it('passes megabytes on, however slowly they are read', async () => {
    const line = `${'x'.repeat(1_023)}\n`;
    const frames = Array.from({ length: 4_096 }, (_, index) => logFrame(index + 1, line));
    scripted(anEndedJob(0), whole(0, ...frames));
    expect((await skyclaw('enqueue-shell', '--wait', 'x')).stdout).toBe(line.repeat(4_096));
  });
});

describe('logs', () => {
  const entry = (seq: number, text: string, more: object = {}) => ({
    seq,
    stream: 'stdout',
    text,
    attempt: 1,
    hostId: 'host_a',
    at: '2026-01-02T03:04:05.678Z',
    ...more,
  });

  it('prints what a job has written so far, page by page', async () => {
    coordinator()
      .on('GET /v1/jobs/job_1', json({ job: aJob({ status: 'leased' }) }))
      .on(
        LOGS,
        json({
          entries: [entry(1, 'a\n'), entry(2, 'b\n', { stream: 'stderr' })],
          next: 'n1',
          truncated: false,
        }),
        json({ entries: [], next: 'n1', truncated: true }),
      );
    expect(await skyclaw('logs', 'job_1')).toEqual({
      code: 0,
      stdout: 'a\n',
      stderr: 'b\n[skyclaw] There was more output than is kept.\n',
    });
    expect(
      coordinator()
        .calls(LOGS)
        .map(({ path }) => path.split('?')[1]),
    ).toEqual(['limit=1000', 'limit=1000&after=n1']);
  });

  it('prints the result of a job whose host ships no logs', async () => {
    coordinator().on('GET /v1/jobs/job_1', json({ job: anEndedJob(0, { stdout: 'all\n' }) }));
    expect(await skyclaw('logs', 'job_1')).toEqual({ code: 0, stdout: 'all\n', stderr: '' });
  });

  it('follows a job to its end, and ends with 0, since it is the log that was asked for', async () => {
    scripted(anEndedJob(7, { error: 'exit code 7' }), whole(7, logFrame(1, 'a\n')));
    expect(await skyclaw('logs', 'job_1', '--follow')).toEqual({
      code: 0,
      stdout: 'a\n',
      stderr: '[skyclaw] job_1 failed: exit code 7\n',
    });
  });

  it('follows a service by its name, says who speaks, and goes on until it is stopped', async () => {
    coordinator()
      .on('GET /v1/services', json({ services: [aService()] }))
      .on(
        'GET /v1/services/svc_1/logs',
        stream((response) => {
          response.write(logFrame(1, 'up\n', { attempt: 0 }));
          response.write(logFrame(1, 'up too\n', { attempt: 2, hostId: 'host_b' }));
          response.write(logFrame(2, 'last\n', { attempt: 2, hostId: 'host_b' }));
        }),
      );
    const program = start(['logs', 'web', '-f']);
    await program.line(/(last)/);
    program.child.kill('SIGINT');
    expect(await ended(program)).toEqual({
      code: 'SIGINT',
      stdout: 'up\nup too\nlast\n',
      stderr: '==> host_a, start 1 <==\n==> host_b, start 3 <==\n',
    });
  });

  it('says when nothing has this name', async () => {
    coordinator().on('GET /v1/services', json({ services: [] }));
    expect((await skyclaw('logs', 'wbe')).stderr).toBe('[skyclaw] no job and no service is called wbe\n');
  });
});
