import { type Variable } from './variable.js';

export const hostVariables = {
  SKYCLAW_HOST_ID: {
    group: 'host',
    about: 'Id of this host. auto: made at the first start and kept in SKYCLAW_STATE_DIR.',
    default: 'auto',
  },
  SKYCLAW_HOST_NAME: { group: 'host', about: 'Name of this host. Unset: openclaw-node-<process id>.' },
  SKYCLAW_CAPABILITIES: {
    group: 'host',
    about: 'Comma list of what this host can do, whatever its probes say.',
    default: 'shell,openclaw,service-host',
  },
  SKYCLAW_CAPABILITY_PROBES: {
    group: 'host',
    about: 'JSON or YAML file of capabilities that are offered only while their probe passes.',
  },
  SKYCLAW_CAPABILITY_PROBE_MS: {
    group: 'host',
    about: 'Pause between two rounds of capability probes.',
    default: '30000',
  },
  SKYCLAW_ALLOWED_COMMANDS: {
    group: 'host',
    about: 'Comma list of the commands that jobs and services may run, by name.',
    default: 'openclaw,node,bash,sh,npm,pnpm',
  },
  SKYCLAW_OPENCLAW_COMMAND: {
    group: 'host',
    about: 'Command of openclaw-run jobs; allowed for them without being listed.',
    default: 'openclaw',
  },
  SKYCLAW_DENY_INLINE_EVAL: {
    group: 'host',
    about: '1 refuses code on the command line of interpreters: bash -c, node -e and the like.',
    default: '0',
  },
  SKYCLAW_PASS_ENV: {
    group: 'host',
    about: 'Comma list of variables of the daemon that jobs and services see too; tokens are never passed.',
  },
  SKYCLAW_MAX_PARALLEL: { group: 'host', about: 'Jobs that this host runs at once.', default: '1' },
  SKYCLAW_TIMEOUT_MS: {
    group: 'host',
    about: 'Longest run of a job that names no limit of its own.',
    default: '300000',
  },
  SKYCLAW_POLL_MS: { group: 'host', about: 'Longest pause between two asks for work.', default: '2000' },
  SKYCLAW_HEARTBEAT_MS: { group: 'host', about: 'Pause between two heartbeats.', default: '5000' },
  SKYCLAW_REQUEST_TIMEOUT_MS: {
    group: 'host',
    about: 'How long one coordinator may take to answer before the next one is asked.',
    default: '10000',
  },
  SKYCLAW_SHUTDOWN_GRACE_MS: {
    group: 'host',
    about:
      'How long running jobs may go on after SIGTERM, at most 16000; what is left is killed and reported.',
    default: '16000',
  },
  SKYCLAW_WORK_ROOT: {
    group: 'host',
    about:
      'Where jobs run that name no folder, and below which jobs of the public API and containers must stay. Unset: the working directory; with podman, work in SKYCLAW_STATE_DIR.',
  },
  SKYCLAW_STATE_DIR: {
    group: 'host',
    about: 'What the daemon keeps for its next life: its id, its token, and what runs.',
    default: '.skyclaw-host',
  },
  SKYCLAW_SERVICE_HOST_ENABLED: { group: 'host', about: '0 runs jobs only, no services.', default: '1' },
  SKYCLAW_SERVICE_BASE_PORT: {
    group: 'host',
    about: 'Services get the first free port from here up.',
    default: '3100',
  },
  SKYCLAW_SERVICE_HOST_PUBLIC_BASE_URL: {
    group: 'host',
    about: 'Where others reach the services of this host; the port is added.',
    default: 'http://127.0.0.1',
  },
  SKYCLAW_SERVICE_START_MS: {
    group: 'host',
    about: 'How long a service may take to accept connections before it counts as failed.',
    default: '60000',
  },
  SKYCLAW_ISOLATION: {
    group: 'host',
    about: 'none, or podman: every job and service in a container of its own.',
    default: 'none',
  },
  SKYCLAW_PODMAN_ROOTFUL: {
    group: 'host',
    about:
      'Whether a daemon that runs as root may isolate with podman. Its containers have no user namespace of their own: root in one is root of the machine, but for the capabilities that are taken away.',
    default: '0',
  },
  SKYCLAW_CONTAINER_IMAGE: {
    group: 'host',
    about: 'Image of jobs and services that name none. Needed with SKYCLAW_ISOLATION=podman.',
  },
  SKYCLAW_CONTAINER_MEMORY_MB: {
    group: 'host',
    about: 'Memory of one container, swap included.',
    default: '1024',
  },
  SKYCLAW_CONTAINER_CPUS: {
    group: 'host',
    about: 'Processors of one container; fractions are allowed.',
    default: '1',
  },
  SKYCLAW_CONTAINER_PIDS: {
    group: 'host',
    about: 'Processes and threads of one container.',
    default: '256',
  },
  SKYCLAW_CONTAINER_TMP_MB: { group: 'host', about: 'Size of /tmp in a container.', default: '64' },
  SKYCLAW_CONTAINER_RUNTIME: {
    group: 'host',
    about: 'OCI runtime that podman uses. Unset: its own choice, and runc where that does not work.',
  },
  SKYCLAW_CONTAINER_NETWORK: {
    group: 'host',
    about: "Podman network of containers that get one. Unset: podman's own choice.",
  },
} as const satisfies Record<string, Variable>;
