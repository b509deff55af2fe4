import { describe, expect, it } from '@jest/globals';
import { aJob, anEndedJob, useCoordinator } from './fixture.js';
import { json } from './scriptable-coordinator.js';

const { coordinator, skyclaw } = useCoordinator();
const pretty = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;

describe('enqueue-shell', () => {
  it('hands in a shell job and prints its id, nothing else', async () => {
    coordinator().on('POST /v1/jobs', json({ job: aJob() }));
    expect(await skyclaw('enqueue-shell', 'bash', '-lc', 'echo hi')).toEqual({
      code: 0,
      stdout: 'job_1\n',
      stderr: '',
    });
    const [call] = coordinator().seen;
    expect(call?.body).toEqual({
      payload: { kind: 'shell', command: 'bash', args: ['-lc', 'echo hi'] },
      requirement: { requiredCapabilities: ['shell'] },
      submittedBy: 'skyclaw-cli',
    });
    expect(call?.headers['x-idempotency-key']).toMatch(/^[0-9a-f-]{36}$/);
    expect(call?.headers['x-skyclaw-token']).toBeUndefined();
  });

  it('sends every flag that stands before the command', async () => {
    coordinator().on('POST /v1/jobs', json({ job: aJob() }));
    const flags =
      '--timeout 10m --cwd /src --env A=1 --env B=x=y --priority -5 --after job_8 --after job_9 --ttl 2h --capability gpu --image alpine';
    expect((await skyclaw('enqueue-shell', ...flags.split(' '), '--', 'make', '--env', 'C=3')).code).toBe(0);
    expect(coordinator().seen[0]?.body).toEqual({
      payload: {
        kind: 'shell',
        command: 'make',
        args: ['--env', 'C=3'],
        cwd: '/src',
        env: { A: '1', B: 'x=y' },
        timeoutMs: 600_000,
        image: 'alpine',
      },
      requirement: { requiredCapabilities: ['shell', 'gpu'] },
      submittedBy: 'skyclaw-cli',
      priority: -5,
      dependencies: ['job_8', 'job_9'],
      ttlMs: 7_200_000,
    });
  });

  it.each([
    [['make', '--wait', '--json', '--help'], 'make', ['--wait', '--json', '--help']],
    [['env', '--', 'ls'], 'env', ['--', 'ls']],
    [['--', '--wait'], '--wait', []],
    [['--', 'echo', '--'], 'echo', ['--']],
    [['help'], 'help', []],
  ])('leaves to the command what is its own: %j', async (words, command, args) => {
    coordinator().on('POST /v1/jobs', json({ job: aJob() }));
    expect((await skyclaw('enqueue-shell', ...words)).stdout).toBe('job_1\n');
    expect(coordinator().seen[0]?.body.payload).toEqual({ kind: 'shell', command, args });
  });

  it('prints the answer with --json', async () => {
    coordinator().on('POST /v1/jobs', json({ job: aJob() }));
    expect((await skyclaw('enqueue-shell', '--json', 'ls')).stdout).toBe(pretty({ job: aJob() }));
  });

  it.each([
    [[], 'enqueue-shell requires a command'],
    [['--wait'], 'enqueue-shell requires a command'],
    [['--'], 'enqueue-shell requires a command'],
    [['--wiat', 'ls'], "unknown option '--wiat'\n(Did you mean --wait?)"],
    [
      ['--timeout', '30', 'ls'],
      "option '--timeout <duration>' argument '30' is invalid. It must be a duration such as 30s, 10m or 2h.",
    ],
    [
      ['--env', 'A', 'ls'],
      "option '--env <name=value>' argument 'A' is invalid. It must look like NAME=value.",
    ],
  ])('refuses %j without asking anybody', async (args, text) => {
    expect(await skyclaw('enqueue-shell', ...args)).toEqual({
      code: 1,
      stdout: '',
      stderr: `[skyclaw] ${text}\n`,
    });
    expect(coordinator().seen).toEqual([]);
  });
});

describe('enqueue-openclaw', () => {
  it.each([
    [[], []],
    [
      ['run', '--message', 'x', '--wait'],
      ['run', '--message', 'x', '--wait'],
    ],
    [
      ['--profile', 'dev', 'run'],
      ['--profile', 'dev', 'run'],
    ],
    [['--', '--json'], ['--json']],
  ])('hands in %j for OpenClaw', async (words, args) => {
    coordinator().on('POST /v1/jobs', json({ job: aJob() }));
    expect(await skyclaw('enqueue-openclaw', ...words)).toEqual({ code: 0, stdout: 'job_1\n', stderr: '' });
    expect(coordinator().seen[0]?.body).toMatchObject({
      payload: { kind: 'openclaw-run', args },
      requirement: { requiredCapabilities: ['openclaw'] },
    });
  });

  it('takes flags of its own before the first other word', async () => {
    coordinator().on('POST /v1/jobs', json({ job: aJob() }));
    await skyclaw('enqueue-openclaw', '--cwd', '/claw', '--timeout', '90s', 'run');
    expect(coordinator().seen[0]?.body.payload).toEqual({
      kind: 'openclaw-run',
      args: ['run'],
      openclawDir: '/claw',
      timeoutMs: 90_000,
    });
  });
});

describe('get-job', () => {
  it('shows a job and what it has written', async () => {
    const job = anEndedJob(7, { stdout: 'out\n', stderr: 'no end of line', error: 'bad \u001b[31mthing' });
    coordinator().on('GET /v1/jobs/job_1', json({ job }));
    expect(await skyclaw('get-job', 'job_1')).toEqual({
      code: 0,
      stderr: '',
      stdout: `id            job_1
status        failed
command       bash -lc 'echo hi'
capabilities  shell
priority      0
host          host_a
attempts      1
created       2026-01-02T03:04:05.678Z
finished      2026-01-02T03:04:05.678Z
took          12 ms
exit code     7
error         bad  [31mthing

stdout:
out

stderr:
no end of line
`,
    });
  });

  it('waits for the end, and ends with the code of the job', async () => {
    coordinator().on(
      'GET /v1/jobs/job_1',
      json({ job: aJob() }),
      json({ job: aJob({ status: 'leased' }) }),
      json({ job: anEndedJob(3) }),
    );
    const { code, stdout } = await skyclaw('get-job', 'job_1', '--wait', '--json');
    expect([code, stdout]).toEqual([3, pretty({ job: anEndedJob(3) })]);
  });

  it('says what the API says of a job that is not there', async () => {
    coordinator().on('GET /v1/jobs/a%2Fb', json({ error: 'job not found' }, 404));
    expect(await skyclaw('get-job', 'a/b')).toEqual({
      code: 1,
      stdout: '',
      stderr: '[skyclaw] job not found\n',
    });
  });
});

describe('list-jobs', () => {
  const createdAt = new Date(Date.now() - 180_500).toISOString();

  it('prints columns', async () => {
    const jobs = [
      anEndedJob(0, { createdAt }),
      aJob({ id: 'job_22', createdAt, payload: { kind: 'openclaw-run', args: ['run', "it's"] } }),
    ];
    coordinator().on('GET /v1/jobs', json({ jobs }));
    expect((await skyclaw('list-jobs', '--status', 'queued', '--limit', '7')).stdout).toBe(
      `ID      STATUS     EXIT  ATTEMPTS  AGE  HOST    COMMAND
job_1   completed  0     1         3m   host_a  bash -lc 'echo hi'
job_22  queued     -     0         3m   -       openclaw run 'it'\\''s'
`,
    );
    expect(coordinator().seen[0]?.path).toBe('/v1/jobs?status=queued&limit=7');
  });

  it('reads page after page until there are as many as were asked for', async () => {
    coordinator().on(
      'GET /v1/jobs',
      json({ jobs: Array.from({ length: 1_000 }, () => aJob()), next_cursor: 'c+1' }),
      json({ jobs: Array.from({ length: 500 }, () => aJob()), next_cursor: 'c2' }),
    );
    const { stdout } = await skyclaw('list-jobs', '--limit', '1500', '--json');
    const answer = JSON.parse(stdout) as { jobs: unknown[]; next_cursor: string };
    expect([answer.jobs.length, answer.next_cursor]).toEqual([1_500, 'c2']);
    expect(coordinator().seen.map(({ path }) => path)).toEqual([
      '/v1/jobs?limit=1000',
      '/v1/jobs?limit=500&cursor=c%2B1',
    ]);
  });

  it('says when there are more', async () => {
    coordinator().on('GET /v1/jobs', json({ jobs: [aJob()], next_cursor: 'c' }));
    expect((await skyclaw('list-jobs', '--limit', '1')).stderr).toBe(
      '[skyclaw] There are more; --limit 2 shows further ones.\n',
    );
  });

  it('knows the states of a job', async () => {
    const { code, stderr } = await skyclaw('list-jobs', '--status', 'done');
    expect([code, stderr]).toEqual([
      1,
      "[skyclaw] option '--status <status>' argument 'done' is invalid. Allowed choices are queued, leased, completed, failed.\n",
    ]);
  });
});

describe('cancel-job', () => {
  it('sends the reason, and says what became of the job', async () => {
    const job = aJob({ status: 'failed', error: 'cancelled: typo' });
    coordinator().on('POST /v1/jobs/job_1/cancel', json({ job }));
    expect(await skyclaw('cancel-job', 'job_1', '--reason', 'typo')).toEqual({
      code: 0,
      stdout: 'job_1 is failed (cancelled: typo).\n',
      stderr: '',
    });
    expect(coordinator().seen[0]?.body).toEqual({ reason: 'typo' });
  });
});
