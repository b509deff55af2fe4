import { execFileSync, spawnSync } from 'node:child_process';
import {
  accessSync,
  constants,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '../support/eventually.js';
import { type Program } from '../support/program.js';
import { type ScriptableCoordinator } from './coordinator.js';
import { HostFixture } from './fixture.js';

const which = (name: string) =>
  spawnSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).stdout.trim();
const isStatic = (file: string) => file !== '' && spawnSync('ldd', [file]).status !== 0;

/** Why containers cannot be tested here; undefined when they can. */
const trouble =
  which('podman') === ''
    ? 'there is no podman on this machine'
    : isStatic(which('busybox'))
      ? undefined
      : 'there is no statically linked busybox on this machine to make an image of';

const IMAGE = `localhost/skyclaw-test-${process.pid}:1`;
const APPLETS = [
  'sh',
  'cat',
  'echo',
  'env',
  'id',
  'ls',
  'pwd',
  'sleep',
  'tail',
  'touch',
  'httpd',
  'ip',
  'kill',
  'head',
  'tr',
  'grep',
];

/** Makes an image of nothing but busybox. */
function makeImage(): void {
  const folder = mkdtempSync(join(tmpdir(), 'skyclaw-image-'));
  const root = join(folder, 'root');
  for (const name of ['bin', 'tmp', 'work', 'etc', 'proc', 'sys', 'dev'])
    mkdirSync(join(root, name), { recursive: true });
  copyFileSync(which('busybox'), join(root, 'bin', 'busybox'));
  for (const applet of APPLETS) symlinkSync('busybox', join(root, 'bin', applet));
  execFileSync('tar', ['-C', root, '-cf', join(folder, 'image.tar'), '.']);
  execFileSync('podman', ['import', join(folder, 'image.tar'), IMAGE], { stdio: 'ignore' });
  rmSync(folder, { recursive: true });
}

const suite = trouble === undefined ? describe : describe.skip; // Nothing can stand in for podman; the name of the suite says what is missing.

suite(`a host that isolates with podman${trouble === undefined ? '' : ` (left out: ${trouble})`}`, () => {
  let fixture: HostFixture;
  let coordinator: ScriptableCoordinator;
  let program: Program;
  const env = () => ({
    SKYCLAW_ISOLATION: 'podman',
    // Only counts where the tests run as root.
    SKYCLAW_PODMAN_ROOTFUL: '1',
    SKYCLAW_CONTAINER_IMAGE: IMAGE,
    SKYCLAW_CONTAINER_MEMORY_MB: '48',
    SKYCLAW_CONTAINER_PIDS: '40',
    SKYCLAW_WORK_ROOT: fixture.path('root'),
    SKYCLAW_SERVICE_BASE_PORT: '23200',
    SKYCLAW_MAX_PARALLEL: '2',
    SKYCLAW_TOKEN: 'secret-of-the-host',
  });

  beforeAll(async () => {
    makeImage();
    fixture = await HostFixture.create();
    ({ coordinator } = fixture);
    mkdirSync(fixture.path('root', 'inside'), { recursive: true });
    program = await fixture.startAndRegister(env());
  });
  afterAll(async () => {
    await program.kill('SIGTERM');
    await fixture.close();
    spawnSync('podman', ['rmi', '--force', IMAGE], { stdio: 'ignore' });
  });

  const containers = () =>
    execFileSync('podman', ['ps', '--all', '--noheading', '--format', '{{.Names}} {{.Image}}'], {
      encoding: 'utf8',
    })
      .split('\n')
      .filter((line) => line.includes(IMAGE));
  const noneLeft = () =>
    eventually('no container is left', () => Promise.resolve(containers().length === 0 ? true : undefined));

  it('says at its start what the engine enforces, and what it does not', () => {
    expect(program.stdout).toMatch(/Isolation: podman: podman [\d.]+ \((rootful|rootless)/);
    expect(program.stdout).toMatch(/enforced: .*time, output, read-only image, no capabilities/);
    expect(program.stdout).toContain('memory 48 MB');
    expect(program.stdout).toContain('40 processes');
  });

  it('runs a job in a container, with output, exit code and environment as without', async () => {
    const done = await coordinator.run('echo out; echo err >&2; pwd; echo $OWN; exit 3', {
      env: { OWN: 'a=b "c" $d' },
    });
    expect(done).toMatchObject({
      success: false,
      exitCode: 3,
      stdout: 'out\n/work\na=b "c" $d\n',
      stderr: 'err\n',
    });
    await noneLeft();
  });

  it('gives it no network, no right, nothing to write but its folder and /tmp, and no secret', async () => {
    const done = await coordinator.run(
      'env; ip link | grep -c " eth\\| tap"; touch /x /etc/x; touch /tmp/x x && echo written; grep CapEff /proc/self/status; ls /; ls',
    );
    expect(done.stdout).not.toContain('secret-of-the-host');
    expect(done.stdout).not.toContain('SKYCLAW');
    expect(done.stdout).toContain('\n0\n');
    expect(done.stdout).toContain('written\n');
    expect(done.stdout).toMatch(/CapEff:\s+0+\n/);
    expect(done.stdout).toMatch(/\nx\n$/);
    expect(done.stderr).toContain('Read-only file system');
    // Its folder was its own.
    expect((await coordinator.run('ls')).stdout).toBe('');
  });

  it('shows it the folder that it names, below the work root alone', async () => {
    writeFileSync(fixture.path('root', 'inside', 'file'), 'hello');
    symlinkSync('/', fixture.path('root', 'out'));
    expect((await coordinator.run('cat file', { cwd: 'inside' })).stdout).toBe('hello');
    for (const cwd of ['/', '/etc', '..', 'out', 'out/etc']) {
      expect(await coordinator.run('ls', { cwd })).toMatchObject({
        success: false,
        exitCode: 1,
        error: `The working directory is outside of the work root of this host: ${cwd}`,
      });
    }
  });

  it('applies its rules for commands inside as well', async () => {
    const done = await coordinator.completion(coordinator.shell('cat', ['/etc/passwd']));
    expect(done).toMatchObject({ exitCode: 126, error: 'command not allowed: cat' });
  });

  it('takes no archive or flag of this machine for an image, and says when one is not there', async () => {
    for (const image of ['docker-archive:/etc/passwd', '--privileged', 'dir:/etc', '/etc']) {
      expect((await coordinator.run('true', { image })).error).toBe(`not the name of an image: ${image}`);
    }
    const absent = await coordinator.run('true', { image: 'localhost/never-made:1' });
    expect(absent).toMatchObject({ success: false, exitCode: 125 });
    expect(absent.error).toContain('podman could not run the container');
    expect(absent.stderr).not.toBe('');
  });

  it('ends a job that sleeps for ever, ignores requests and has children, at its limit', async () => {
    const done = await coordinator.run(
      "trap '' TERM; (trap '' TERM; sleep 1000) & sleep 1000 & while :; do sleep 1000; done",
      {
        timeoutMs: 1_000,
      },
    );
    expect(done).toMatchObject({ success: false, error: 'timed out after 1000ms' });
    expect(done.durationMs).toBeLessThan(3_500);
    await noneLeft();
  });

  it('contains a job that forks without end, and goes on working', async () => {
    const bomb = coordinator.shell('sh', ['-c', 'b() { b | b & b; }; b'], { timeoutMs: 3_000 });
    // In the meantime.
    expect((await coordinator.run('echo beside')).stdout).toBe('beside\n');
    const done = await coordinator.completion(bomb);
    expect(done.success).toBe(false);
    await noneLeft();
    expect((await coordinator.run('echo after')).stdout).toBe('after\n');
  });

  it('kills a job that fills memory where the engine bounds it, and has said so where not', async () => {
    if (/NOT enforced[^\n]*memory/.test(program.stdout)) {
      expect(program.stdout).toContain('rootless limits need cgroup v2');
      return;
    }
    const done = await coordinator.run('tail -c 500m /dev/zero', { timeoutMs: 20_000 });
    expect(done).toMatchObject({ success: false, exitCode: 137 });
    expect(done.error).toContain('whose memory is bound to 48 MB');
    await noneLeft();
  });

  it('ships the output of a container while it runs', async () => {
    const id = coordinator.shell('sh', ['-c', 'echo early; sleep 2']);
    await eventually('it is there', () =>
      Promise.resolve(coordinator.text(`jobs/${id}`, 'stdout') === 'early\n' ? true : undefined),
    );
    expect(coordinator.completions.some(({ jobId }) => jobId === id)).toBe(false);
    await coordinator.completion(id);
  });

  const tun = (() => {
    try {
      accessSync('/dev/net/tun', constants.R_OK | constants.W_OK);
      return true;
    } catch {
      return false;
    }
  })();
  const withPorts = tun ? it : it.skip; // Publishing a port needs /dev/net/tun, which some machines close to users; the name says so.
  withPorts(
    `runs a service in a container and publishes its port alone${tun ? '' : ' (left out: this user may not use /dev/net/tun)'}`,
    async () => {
      writeFileSync(fixture.path('root', 'inside', 'index.html'), 'served');
      const args = [
        '-c',
        'trap exit TERM; sleep 1; busybox httpd -p $PORT -h /work; while :; do sleep 0.2; done',
      ];
      coordinator.deploy('web', { command: 'sh', args, cwd: 'inside' });
      const { endpoint } = await coordinator.report('web', 'running');
      expect(await (await fetch(endpoint ?? '')).text()).toBe('served');
      coordinator.stopServices = ['web'];
      await noneLeft();
      coordinator.stopServices = [];
    },
    30_000,
  );

  it('that was killed ends its containers in its next life', async () => {
    coordinator.shell('sh', ['-c', 'sleep 1000']);
    await eventually('it runs', () => Promise.resolve(containers().length > 0 ? true : undefined));
    await program.kill('SIGKILL');
    expect(containers()).toHaveLength(1);
    let left: readonly string[] = ['not looked at'];
    coordinator.interfere = ({ path }) => {
      if (path.endsWith('/register')) left = containers();
      return undefined;
    };
    program = await fixture.startAndRegister(env());
    expect(left).toEqual([]);
  });

  it('that is told to end twice takes its containers with it', async () => {
    coordinator.shell('sh', ['-c', 'sleep 1000']);
    await eventually('it runs', () => Promise.resolve(containers().length > 0 ? true : undefined));
    program.child.kill('SIGTERM');
    program.child.kill('SIGINT');
    expect(await program.exit()).toBe(1);
    await noneLeft();
    program = await fixture.startAndRegister(env());
  });

  const isRoot = process.getuid?.() === 0;
  const asRoot = isRoot ? it : it.skip; // A user cannot start a daemon of root's; the rule itself has a test without a daemon.
  asRoot(
    `does not start as root unless that is allowed${isRoot ? '' : ' (left out: this user is not root)'}`,
    async () => {
      const other = fixture.start({
        ...env(),
        SKYCLAW_STATE_DIR: fixture.path('rootful'),
        SKYCLAW_PODMAN_ROOTFUL: '0',
      });
      expect(await other.exit()).toBe(1);
      expect(other.stderr).toContain('Run skyclaw host as an ordinary user');
      expect(other.stderr).not.toMatch(/\n {4}at /);
    },
  );

  it('does not start with an image that is not there', async () => {
    const other = fixture.start({
      ...env(),
      SKYCLAW_STATE_DIR: fixture.path('other'),
      SKYCLAW_CONTAINER_IMAGE: 'localhost/never-made:1',
    });
    expect(await other.exit()).toBe(1);
    expect(other.stderr).toContain('no container of localhost/never-made:1 runs here');
    expect(other.stderr).not.toMatch(/\n {4}at /);
  });
});
