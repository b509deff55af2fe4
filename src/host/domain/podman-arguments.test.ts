import { describe, expect, it } from '@jest/globals';
import {
  type ContainerRun,
  describeEnforcement,
  podmanRunArguments,
  readEnforcement,
  refusalOfUser,
  refusalOfImage,
} from './podman-arguments.js';

const config = {
  image: 'x',
  memoryMb: 64,
  cpus: 0.5,
  pids: 30,
  tmpMb: 16,
  runtime: undefined,
  network: 'slirp4netns',
  mayBeRootful: false,
};
const run: ContainerRun = {
  name: 'n',
  labels: {},
  image: 'localhost/x:1',
  command: 'sh',
  args: ['-c', '--privileged'],
  folder: '/root/run',
  envFile: '/state/env',
  network: false,
  publish: undefined,
  enforced: { memory: true, pids: true, cpus: true },
};
const argumentsOf = (change: Partial<ContainerRun> = {}) => podmanRunArguments({ ...run, ...change }, config);

describe('a container', () => {
  it('has no network unless it asks for one or publishes a port', () => {
    expect(argumentsOf()).toContain('--network=none');
    expect(argumentsOf({ network: true })).toContain('--network=slirp4netns');
    const published = argumentsOf({ publish: { port: 3100, address: '127.0.0.1' } });
    expect(published).toContain('--publish=127.0.0.1:3100:3100');
    expect(published).not.toContain('--network=none');
  });

  it('is given only its command and arguments after the image', () => {
    const all = argumentsOf();
    expect(all.slice(all.indexOf('localhost/x:1'))).toEqual(['localhost/x:1', 'sh', '-c', '--privileged']);
  });

  it('is bound by what the engine enforces, and by the bound of its user where that is not the number of processes', () => {
    expect(argumentsOf()).toEqual(expect.arrayContaining(['--memory=64m', '--pids-limit=30', '--cpus=0.5']));
    expect(argumentsOf()).toContain('--ulimit=nproc=2000:2000');
    const rootless = argumentsOf({ enforced: { memory: false, pids: false, cpus: false } });
    expect(rootless.join(' ')).not.toMatch(/--memory|--pids-limit|--cpus/);
    expect(rootless).toContain('--ulimit=nproc=30:30');
    expect(argumentsOf({ enforced: undefined })).toContain('--memory=64m');
  });
});

describe('the user of the daemon', () => {
  it('is not root, unless that is allowed', () => {
    expect(refusalOfUser(0, config)).toContain('Run skyclaw host as an ordinary user');
    expect(refusalOfUser(0, { ...config, mayBeRootful: true })).toBeUndefined();
    expect(refusalOfUser(1_000, config)).toBeUndefined();
    expect(refusalOfUser(undefined, config)).toBeUndefined();
  });
});

describe('what an engine enforces', () => {
  it.each([
    ['memory 67108864\npids 30\ncpus 50000 100000\n', true, true, true],
    ['memory 67108864\npids 30\ncpus 50000\n', true, true, true],
    ['memory max\npids max\ncpus max 100000\n', false, false, false],
    ['memory 9223372036854771712\npids\ncpus -1\n', false, false, false],
    ['', false, false, false],
  ])('is read from %j', (printed, memory, pids, cpus) => {
    expect(readEnforcement(printed, config)).toEqual({ memory, pids, cpus });
  });

  it('is told, and what is not', () => {
    expect(describeEnforcement({ memory: true, pids: false, cpus: true }, config)).toBe(
      'enforced: memory 64 MB, 0.5 CPUs, time, output, read-only image, no capabilities; ' +
        'NOT enforced by this engine: 30 processes (rootless limits need cgroup v2)',
    );
  });
});

describe('an image', () => {
  it.each([
    'busybox',
    'a/b/c',
    'localhost/x:1',
    'host:5000/a/b:tag',
    `a@sha256:${'0'.repeat(64)}`,
    'quay.io/a/b:1.2-x',
  ])('%s is named', (image) => expect(refusalOfImage(image)).toBeUndefined());

  it.each([
    '',
    '-x',
    '--privileged',
    'docker-archive:/x',
    'dir:/etc',
    '/etc',
    'a b',
    'a\nb',
    'https://x/y',
    'a:b:c',
  ])('%j is none', (image) => expect(refusalOfImage(image)).toMatch(/^not the name of an image/));
});
