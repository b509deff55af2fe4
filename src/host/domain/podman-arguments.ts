import { type PodmanConfig } from '../host.config.js';

/** Where the folder of a run is in its container. */
export const CONTAINER_FOLDER = '/work';

const OPEN_FILES = 4_096;
/** Processes of the user that podman runs as, where the container's own bound holds: a second line of defence. */
const USER_PROCESSES = 2_000;

export interface ContainerRun {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly image: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Folder of this machine that the container sees as /work; undefined for none. */
  readonly folder: string | undefined;
  readonly envFile: string | undefined;
  readonly network: boolean;
  /** A port that is published, and the address that it is published on. */
  readonly publish: { readonly port: number; readonly address: string } | undefined;
  /** What the engine has been found to enforce; undefined when that is not known, and all is tried. */
  readonly enforced: Enforcement | undefined;
}

/** The arguments of `podman run` for a container that can do as little as possible. */
export function podmanRunArguments(run: ContainerRun, config: PodmanConfig): readonly string[] {
  const { name, labels, image, command, args, folder, envFile, publish } = run;
  return [
    'run',
    '--rm',
    `--name=${name}`,
    ...Object.entries(labels).map(([key, value]) => `--label=${key}=${value}`),
    '--read-only',
    '--read-only-tmpfs=false',
    `--tmpfs=/tmp:rw,nosuid,nodev,mode=1777,size=${config.tmpMb}m`,
    '--security-opt=no-new-privileges',
    '--cap-drop=all',
    '--http-proxy=false',
    '--log-driver=none',
    ...networkOf(run, config),
    ...limitsOf(run, config),
    `--ulimit=nofile=${OPEN_FILES}:${OPEN_FILES}`,
    ...(publish === undefined ? [] : [`--publish=${publish.address}:${publish.port}:${publish.port}`]),
    ...(envFile === undefined ? [] : [`--env-file=${envFile}`]),
    ...(folder === undefined
      ? []
      : [
          `--mount=type=bind,source=${folder},destination=${CONTAINER_FOLDER}`,
          `--workdir=${CONTAINER_FOLDER}`,
        ]),
    '--entrypoint=',
    image,
    command,
    ...args,
  ];
}

/** Why containers are not made for the user of the daemon; undefined when they are. */
export function refusalOfUser(userId: number | undefined, config: PodmanConfig): string | undefined {
  if (userId !== 0 || config.mayBeRootful) return undefined;
  return (
    'SKYCLAW_ISOLATION=podman as root would make rootful containers, in which root is root of this machine. ' +
    'Run skyclaw host as an ordinary user (podman is rootless then), or allow it with SKYCLAW_PODMAN_ROOTFUL=1.'
  );
}

/** Why a name of an image is none; undefined when it is one. Archives and folders of this machine are no images. */
export function refusalOfImage(image: string): string | undefined {
  const REFERENCE = /^[A-Za-z0-9][\w.-]*(:\d+)?(\/[\w.-]+)*(:[\w.-]+)?(@sha256:[0-9a-f]{64})?$/;
  return REFERENCE.test(image) ? undefined : `not the name of an image: ${image.slice(0, 200)}`;
}

/** What an engine has been found to enforce. */
export interface Enforcement {
  readonly memory: boolean;
  readonly pids: boolean;
  readonly cpus: boolean;
}

/** Shell text that prints what a container is bound to, by either layout of control groups. */
export const ENFORCEMENT_SCRIPT = [
  'm=/sys/fs/cgroup',
  'echo memory $(cat $m/memory.max $m/memory/memory.limit_in_bytes 2>/dev/null)',
  'echo pids $(cat $m/pids.max $m/pids/pids.max 2>/dev/null)',
  'echo cpus $(cat $m/cpu.max $m/cpu/cpu.cfs_quota_us 2>/dev/null)',
].join('; ');

/** Reads what that has printed. */
export function readEnforcement(printed: string, { memoryMb, pids }: PodmanConfig): Enforcement {
  const value = (name: string) => Number(new RegExp(`^${name} (\\d+)`, 'm').exec(printed)?.[1] ?? NaN);
  return {
    memory: value('memory') <= memoryMb * 1_048_576,
    pids: value('pids') <= pids,
    cpus: value('cpus') > 0,
  };
}

/** A line for the operator: what holds, and what does not. */
export function describeEnforcement(enforced: Enforcement, config: PodmanConfig): string {
  const limits = [
    { holds: enforced.memory, text: `memory ${config.memoryMb} MB` },
    { holds: enforced.pids, text: `${config.pids} processes` },
    { holds: enforced.cpus, text: `${config.cpus} CPUs` },
  ];
  const held = limits.filter(({ holds }) => holds).map(({ text }) => text);
  const open = limits.filter(({ holds }) => !holds).map(({ text }) => text);
  return [
    `enforced: ${[...held, 'time', 'output', 'read-only image', 'no capabilities'].join(', ')}`,
    ...(open.length === 0
      ? []
      : [`NOT enforced by this engine: ${open.join(', ')} (rootless limits need cgroup v2)`]),
  ].join('; ');
}

function networkOf({ network, publish }: ContainerRun, config: PodmanConfig): readonly string[] {
  // A port cannot be published from a container without a network.
  if (!network && publish === undefined) return ['--network=none'];
  return config.network === undefined ? [] : [`--network=${config.network}`];
}

/** The limits of a container. An engine that ignores one would say so in the output of each job. */
function limitsOf({ enforced }: ContainerRun, { memoryMb, cpus, pids }: PodmanConfig): readonly string[] {
  const userProcesses = enforced?.pids === true ? Math.max(USER_PROCESSES, pids) : pids;
  return [
    ...(enforced?.memory === false ? [] : [`--memory=${memoryMb}m`, `--memory-swap=${memoryMb}m`]),
    ...(enforced?.cpus === false ? [] : [`--cpus=${cpus}`]),
    ...(enforced?.pids === false ? [] : [`--pids-limit=${pids}`]),
    `--ulimit=nproc=${userProcesses}:${userProcesses}`,
  ];
}
