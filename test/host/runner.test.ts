import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { isAlive, untilDead } from '../gateway/fixture.js';
import { HostFixture } from './fixture.js';

let fixture: HostFixture;
beforeAll(async () => {
  fixture = await HostFixture.create();
  mkdirSync(fixture.path('root', 'inside'), { recursive: true });
  await fixture.startAndRegister({
    SKYCLAW_TOKEN: 'secret-of-the-host',
    SKYCLAW_WORK_ROOT: fixture.path('root'),
    SKYCLAW_MAX_OUTPUT_BYTES: '1000',
    SKYCLAW_PASS_ENV: 'PASSED_ON,SKYCLAW_TOKEN',
    SKYCLAW_OPENCLAW_COMMAND: process.execPath,
    PASSED_ON: 'yes',
    NOT_PASSED_ON: 'secret-of-the-operator',
    LC_ALL: 'C.UTF-8',
  });
});
afterAll(() => fixture.close());

const run = (script: string, more: object = {}) => fixture.coordinator.run(script, more);

describe('a job', () => {
  it('is completed with its output, exit code and duration', async () => {
    const done = await run('echo out; echo err >&2; exit 7');
    expect(done).toMatchObject({ success: false, exitCode: 7, stdout: 'out\n', stderr: 'err\n' });
    expect(done.error).toBeUndefined();
    expect(done.leaseToken).toMatch(/^lease-/);
    expect(done.durationMs).toBeGreaterThanOrEqual(0);
    expect(await run('exit 0')).toMatchObject({ success: true, exitCode: 0 });
  });

  it('runs in the work root, or in the folder that it names', async () => {
    expect((await run('pwd')).stdout).toBe(`${fixture.path('root')}\n`);
    expect((await run('pwd', { cwd: 'inside' })).stdout).toBe(`${fixture.path('root', 'inside')}\n`);
    expect((await run('pwd', { cwd: '/' })).stdout).toBe('/\n');
    expect(await run('pwd', { cwd: 'nowhere' })).toMatchObject({
      success: false,
      exitCode: 1,
      durationMs: 0,
      error: 'The working directory does not exist: nowhere',
    });
  });

  it('of the public API does not leave the work root, by a link either', async () => {
    symlinkSync('/', fixture.path('root', 'out'));
    const job = (cwd: string, more: object) =>
      fixture.coordinator.completion(
        fixture.coordinator.enqueue({ kind: 'shell', command: 'sh', args: ['-c', 'pwd'], cwd }, more),
      );
    const inside = await job('inside', { submittedBy: 'public:somebody' });
    expect(inside.stdout).toBe(`${fixture.path('root', 'inside')}\n`);
    for (const cwd of ['/', '..', 'out', 'inside/../../..', `${fixture.path('root')}x/..`]) {
      for (const more of [{ submittedBy: 'public:somebody' }, { confined: true }]) {
        expect(await job(cwd, more)).toMatchObject({ success: false, exitCode: 1 });
      }
    }
  });

  it('sees a small part of the environment, and never a token', async () => {
    const { stdout } = await run('env | sort', {
      env: {
        OWN: 'mine',
        PATH: '/evil',
        LD_PRELOAD: 'evil',
        NODE_OPTIONS: 'evil',
        SKYCLAW_X: 'evil',
        PYTHONPATH: 'evil',
      },
    });
    const names = stdout?.split('\n').map((line) => line.split('=')[0]);
    expect(stdout).toContain('OWN=mine\n');
    expect(stdout).toContain('PASSED_ON=yes\n');
    expect(stdout).not.toMatch(/secret|evil/);
    const expected = [
      'HOME',
      'HOST_RUN_ID',
      'LC_ALL',
      'OWN',
      'PASSED_ON',
      'PATH',
      'PWD',
      'LANG',
      'TZ',
      'TMPDIR',
      'SHLVL',
      'OLDPWD',
      '_',
      '',
    ];
    expect(names?.filter((name) => !expected.includes(name ?? ''))).toEqual([]);
  });

  it('of kind openclaw-run runs the OpenClaw command of the host', async () => {
    const id = fixture.coordinator.enqueue({
      kind: 'openclaw-run',
      args: ['-p', '6*7'],
      openclawDir: 'inside',
    });
    expect(await fixture.coordinator.completion(id)).toMatchObject({ success: true, stdout: '42\n' });
  });

  it('that the rules forbid is refused before it runs', async () => {
    for (const command of ['rm', '/bin/sh', './sh', 'toString']) {
      const done = await fixture.coordinator.completion(fixture.coordinator.shell(command, ['-c', 'true']));
      expect(done).toMatchObject({
        success: false,
        exitCode: 126,
        durationMs: 0,
        error: `command not allowed: ${command}`,
      });
    }
  });

  it('that cannot be started fails with exit code 1 and the reason', async () => {
    const missing = await fixture.coordinator.completion(
      fixture.coordinator.shell('not-on-this-machine', []),
    );
    expect(missing).toMatchObject({ success: false, exitCode: 1 });
    expect(missing.error).toContain('not-on-this-machine');
    const nul = await fixture.coordinator.completion(fixture.coordinator.shell('sh', ['-c', 'a\0b']));
    expect(nul).toMatchObject({ success: false, exitCode: 1 });
    const long = await fixture.coordinator.completion(
      fixture.coordinator.shell('sh', ['-c', 'true', 'x'.repeat(300_000)]),
    );
    expect(long).toMatchObject({ success: false, exitCode: 1 });
    expect(long.error).toContain('E2BIG');
  });

  it('that this version cannot read is failed, and does not disturb the next one', async () => {
    const odd = [{ kind: 'dance' }, { kind: 'shell' }, { kind: 'shell', command: 'sh', args: 'x' }, null];
    const ids = odd.map((payload) => fixture.coordinator.enqueue(payload as never));
    const ends = await Promise.all(ids.map((id) => fixture.coordinator.completion(id)));
    expect(ends[0]?.error).toBe('unsupported payload kind: dance');
    expect(ends[1]?.error).toBe('payload.command is required');
    for (const end of ends) expect(end).toMatchObject({ success: false, exitCode: 1 });
    expect((await run('echo on')).stdout).toBe('on\n');
  });

  it('that is killed by a signal fails with exit code 1 and says so', async () => {
    expect(await run('kill -9 $$')).toMatchObject({ success: false, exitCode: 1, error: 'ended by SIGKILL' });
  });
});

describe('the output of a job', () => {
  it('is cut to its bound, between two characters, and says so', async () => {
    const { stdout, stderr } = await run(
      'i=0; while [ $i -lt 20000 ]; do printf é; i=$((i+1)); done; printf x >&2',
    );
    expect(Buffer.byteLength(stdout ?? '')).toBeLessThanOrEqual(1_000);
    expect(stdout).toMatch(/^é{480,500}\n\[output truncated\]\n$/);
    expect(stderr).toBe('x');
  });

  it('is whole when it fits exactly', async () => {
    expect((await run("head -c 1000 /dev/zero | tr '\\0' a")).stdout).toBe('a'.repeat(1_000));
    expect((await run("head -c 1001 /dev/zero | tr '\\0' a")).stdout).toMatch(
      /^a{980}\n\[output truncated\]\n$/,
    );
  });

  it('has no NUL, which no database can keep', async () => {
    expect((await run("printf 'a\\0b'")).stdout).toBe('a\uFFFDb');
  });

  it('of a flood neither blocks the job nor the daemon', async () => {
    const done = await run('head -c 200000000 /dev/zero', { timeoutMs: 20_000 });
    expect(done).toMatchObject({ success: true, exitCode: 0 });
  });
});

describe('the limit of a job', () => {
  it('ends all of it, also what ignores the request, and is reported within 2 s', async () => {
    const pids = fixture.path('ignorant');
    const id = fixture.coordinator.shell(
      'sh',
      [
        '-c',
        `trap '' TERM; sh -c 'trap "" TERM; echo $$ >> ${pids}; while :; do sleep 1; done' & echo $$ >> ${pids}; echo begun; wait`,
      ],
      { timeoutMs: 1_000 },
    );
    const [first, second] = await fixture.pids('ignorant', 2);
    const claimed = performance.now();
    const done = await fixture.coordinator.completion(id);
    expect(done).toMatchObject({ success: false, error: 'timed out after 1000ms', stdout: 'begun\n' });
    expect(done.at - claimed).toBeLessThan(3_000);
    await Promise.all([untilDead(first ?? 0), untilDead(second ?? 0)]);
  });

  it('is never below a second', async () => {
    const done = await run('sleep 30', { timeoutMs: 1 });
    expect(done.error).toBe('timed out after 1000ms');
    expect(done.durationMs).toBeGreaterThanOrEqual(1_000);
  });

  it('holds although a child that has left the group keeps the pipes open', async () => {
    const file = fixture.path('keeper');
    const id = fixture.coordinator.shell(
      'sh',
      ['-c', `setsid sh -c 'echo $$ > ${file}; exec env -i sleep 60' & sleep 60`],
      { timeoutMs: 1_000 },
    );
    const [keeper] = await fixture.pids('keeper');
    const done = await fixture.coordinator.completion(id);
    expect(done.error).toBe('timed out after 1000ms');
    expect(done.durationMs).toBeLessThan(3_000);
    await untilDead(keeper ?? 0);
  });
});

describe('what a job leaves behind', () => {
  it('in its process group ends with it', async () => {
    await run(`sleep 60 & echo $! > ${fixture.path('in-group')}`);
    const [pid] = await fixture.pids('in-group');
    await untilDead(pid ?? 0);
  });

  it('outside of its group ends with it as well, and does not hold up its end', async () => {
    const done = await run(
      `setsid sh -c 'echo $$ > ${fixture.path('escaped')}; exec sleep 60' & sleep 0.3; exit 0`,
    );
    const [pid] = await fixture.pids('escaped');
    expect(done).toMatchObject({ success: true });
    expect(done.durationMs).toBeLessThan(2_000);
    await untilDead(pid ?? 0);
  });

  it('and belongs to another job goes on', async () => {
    const other = fixture.coordinator.shell('sh', [
      '-c',
      `echo $$ > ${fixture.path('other')}; sleep 1.5; echo survived`,
    ]);
    const [pid] = await fixture.pids('other');
    await run('true');
    expect(isAlive(pid ?? 0)).toBe(true);
    expect((await fixture.coordinator.completion(other)).stdout).toBe('survived\n');
  });
});

describe('a host that denies inline code', () => {
  it('refuses it for interpreters, and runs files', async () => {
    const strict = await HostFixture.create();
    try {
      await strict.startAndRegister({ SKYCLAW_DENY_INLINE_EVAL: '1' });
      writeFileSync(strict.path('script.sh'), 'echo file');
      const { coordinator } = strict;
      for (const [command, args] of [
        ['sh', ['-c', 'echo x']],
        ['bash', ['-lc', 'echo x']],
        ['bash', ['-o', 'pipefail', '-ec', 'echo x']],
        ['node', ['-e', '1']],
        ['node', ['--eval=1']],
        ['node', ['-pe', '1']],
      ] as const) {
        const done = await coordinator.completion(coordinator.shell(command, args));
        expect(done).toMatchObject({ success: false, exitCode: 126, durationMs: 0 });
        expect(done.error).toMatch(/^inline code is not allowed: /);
      }
      const file = await coordinator.completion(coordinator.shell('sh', [strict.path('script.sh')]));
      expect(file.stdout).toBe('file\n');
    } finally {
      await strict.close();
    }
  });
});
