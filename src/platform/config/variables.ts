/**
 * Every environment variable of every program, with its default and what it does. `.env.example` is generated from
 * this list, and an unknown name in our name space is answered with the closest one here.
 */
export interface Variable {
  readonly about: string;
  /** The default as it would be written in the environment; absent when unset means "off" or "none". */
  readonly default?: string;
  readonly group:
    | 'database'
    | 'control plane'
    | 'scheduler'
    | 'reaper'
    | 'SkyClaw'
    | 'gateway'
    | 'service gateway'
    | 'host'
    | 'cli';
  /** Never shown, not even to debug. */
  readonly secret?: true;
  /** Accepted from older deployments without effect: why, as the end of a sentence. */
  readonly ignored?: string;
}

export type VariableName = keyof typeof variables;

const ALL_IN_POSTGRES = 'all state is in PostgreSQL (DATABASE_URL)';
const NO_SYNC = 'replicas share one database and find each other there';

export const variables = {
  DATABASE_URL: {
    group: 'database',
    about: 'PostgreSQL 15 or newer. Unset: an embedded PostgreSQL starts in SKYNET_DATA_DIR.',
    secret: true,
  },
  SKYNET_DATA_DIR: {
    group: 'database',
    about: 'Where the embedded PostgreSQL keeps its data.',
    default: '.skynet',
  },
  SKYNET_DB_POOL_SIZE: {
    group: 'database',
    about: 'Connections that one process opens at most.',
    default: '10',
  },
  SKYNET_DB_PATH: {
    group: 'database',
    about: 'Accepted for older deployments, without effect.',
    ignored: ALL_IN_POSTGRES,
  },
  SKYCLAW_DB_PATH: {
    group: 'database',
    about: 'Accepted for older deployments, without effect.',
    ignored: ALL_IN_POSTGRES,
  },
  OPENCLAW_DB_PATH: {
    group: 'database',
    about: 'Accepted for older deployments, without effect.',
    ignored: ALL_IN_POSTGRES,
  },

  SKYNET_HOST: {
    group: 'control plane',
    about: 'Address to listen on. Unset: 0.0.0.0 when a key is configured, else 127.0.0.1.',
  },
  SKYNET_PORT: { group: 'control plane', about: 'Port of the API.', default: '8000' },
  SKYNET_API_KEY: {
    group: 'control plane',
    about: 'Key that callers send as X-API-Key or Authorization: Bearer. Unset: the API is open.',
    secret: true,
  },
  SKYNET_PROTECT_DIAGNOSTICS: {
    group: 'control plane',
    about: '0 leaves the API open although SKYNET_API_KEY is set.',
    default: '1',
  },
  SKYNET_REQUIRE_AUTH: { group: 'control plane', about: '1 refuses to start without a key.', default: '0' },
  SKYNET_DIAGNOSTIC_RATE_LIMIT_PER_MIN: {
    group: 'control plane',
    about: 'Requests per client IP and minute; 0 or less is no limit.',
    default: '120',
  },
  SKYNET_TRUSTED_PROXIES: {
    group: 'control plane',
    about: 'Comma list of proxy addresses or CIDR ranges whose X-Forwarded-For is believed.',
  },
  CORS_ORIGINS: {
    group: 'control plane',
    about:
      'Comma list of browser origins. * answers any origin without credentials; listed origins get credentials.',
    default: '*',
  },
  SKYNET_MAX_BODY_BYTES: { group: 'control plane', about: 'Largest request body.', default: '1048576' },
  SKYNET_REDACT_CLAIM_TOKENS: {
    group: 'control plane',
    about:
      '0 shows claim tokens in lists, reads and events, as old clients expect; every reader can then take over a claim.',
    default: '1',
  },
  SKYNET_LOG_LEVEL: {
    group: 'control plane',
    about: 'debug, info, warning, error, critical or silent.',
    default: 'INFO',
  },
  SKYNET_RETENTION_DAYS: {
    group: 'control plane',
    about: 'Finished tasks and their events are deleted after so many days, by whole days; 0 keeps them.',
    default: '30',
  },
  SKYNET_EVENT_STREAMS_MAX: {
    group: 'control plane',
    about: 'Event streams that one replica serves at once; the next one hears 503.',
    default: '200',
  },
  SKYNET_EVENT_STREAM_PING_SECS: {
    group: 'control plane',
    about: 'Seconds of silence after which an event stream says that it is alive.',
    default: '15',
  },
  SKYNET_EVENT_STREAM_STALL_SECS: {
    group: 'control plane',
    about: 'Seconds after which a client of an event stream is cut off that takes nothing of what is sent.',
    default: '30',
  },
  SKYNET_TASK_MAX_ATTEMPTS: {
    group: 'control plane',
    about: 'Claims that a task may use up, unless it names its own max_attempts.',
    default: '5',
  },
  SKYNET_PRIORITY_AGEING_SECS: {
    group: 'control plane',
    about:
      'Seconds of waiting that weigh as much as one point of priority, for tasks handed in from then on; 1000000 is strict.',
    default: '300',
  },
  SKYNET_CONTROL_TASK_LOCK_TIMEOUT: {
    group: 'control plane',
    about: 'Seconds that a claim lives without renewal, unless the task names its own lease_seconds.',
    default: '300',
  },
  SKYCLAW_COORDINATOR_HOST: {
    group: 'control plane',
    about: 'Address that skyclaw coordinator listens on.',
    default: '0.0.0.0',
  },
  SKYCLAW_COORDINATOR_PORT: {
    group: 'control plane',
    about: 'Port of skyclaw coordinator.',
    default: '8787',
  },
  SKYCLAW_IDEMPOTENCY_TTL_MS: {
    group: 'control plane',
    about: 'How long an x-idempotency-key is remembered.',
    default: '86400000',
  },

  OPENCLAW_GATEWAY_URLS: {
    group: 'scheduler',
    about: 'Comma list of gateways that are registered at start as openclaw, openclaw_2, …',
  },
  OPENCLAW_GATEWAY_URL: {
    group: 'scheduler',
    about: 'The one gateway that is registered at start when OPENCLAW_GATEWAY_URLS is unset.',
    default: 'http://127.0.0.1:8766',
  },
  SKYNET_GATEWAY_TOKEN: {
    group: 'scheduler',
    about: 'Bearer token between control plane and gateway; the same on both sides.',
    secret: true,
  },
  SKYNET_GATEWAY_HOST_ALLOWLIST: {
    group: 'scheduler',
    about:
      'Comma list of host names, addresses or CIDR ranges; when set, gateways outside of it are refused.',
  },
  SKYNET_GATEWAY_PROBE_SECS: {
    group: 'scheduler',
    about: 'Seconds between two probes of a gateway.',
    default: '15',
  },
  SKYNET_GATEWAY_MAX_IN_FLIGHT: {
    group: 'scheduler',
    about: 'Dispatched tasks that one gateway runs at once, over all replicas.',
    default: '8',
  },
  SKYNET_CONTROL_SCHEDULER_ENABLED: {
    group: 'scheduler',
    about: '0 leaves all work to pull workers.',
    default: '1',
  },
  SKYNET_CONTROL_SCHEDULER_POLL_SECS: {
    group: 'scheduler',
    about: 'Longest pause between two looks for ready tasks; NOTIFY makes it sooner.',
    default: '1.5',
  },
  SKYNET_CONTROL_SCHEDULER_WORKER_ID: {
    group: 'scheduler',
    about: 'Name under which dispatchers hold tasks; a replica suffix is added.',
    default: 'skynet-control-scheduler',
  },
  SKYNET_CONTROL_SCHEDULER_CONCURRENCY: {
    group: 'scheduler',
    about: 'Tasks that one replica dispatches at once.',
    default: '8',
  },

  SKYNET_STALE_LOCK_REAPER_ENABLED: {
    group: 'reaper',
    about: '0 leaves expired leases alone.',
    default: '1',
  },
  SKYNET_STALE_LOCK_REAPER_POLL_SECS: {
    group: 'reaper',
    about: 'Seconds between two passes.',
    default: '15',
  },
  SKYNET_REAPER_ON_UNHEALTHY: {
    group: 'reaper',
    about: 'What an expired lease of an unhealthy worker leads to: release, or fail at once.',
    default: 'release',
  },

  SKYCLAW_TOKEN: {
    group: 'SkyClaw',
    about:
      'Token that hosts and callers of the SkyClaw routes send as x-skyclaw-token. Unset: those routes are open, or closed to all with SKYNET_REQUIRE_AUTH.',
    secret: true,
  },
  SKYCLAW_TOKEN_PREVIOUS: {
    group: 'SkyClaw',
    about: 'Accepted beside SKYCLAW_TOKEN while it is being replaced.',
    secret: true,
  },
  SKYCLAW_HOST_AUTH: {
    group: 'SkyClaw',
    about:
      '1 gives each host a credential of its own at registration, without which nobody can act as that host.',
    default: '0',
  },
  SKYCLAW_HOST_TIMEOUT_MS: {
    group: 'SkyClaw',
    about: 'A host that is silent for so long is offline: its jobs and service slots go to others.',
    default: '30000',
  },
  SKYCLAW_LEASE_MS: {
    group: 'SkyClaw',
    about: 'How long a job stays with a host without a sign of life, in whole seconds (rounded up).',
    default: '60000',
  },
  SKYCLAW_JOB_MAX_ATTEMPTS: {
    group: 'SkyClaw',
    about: 'Attempts of a job whose hosts are lost before it fails.',
    default: '5',
  },
  SKYCLAW_MAX_OUTPUT_BYTES: {
    group: 'SkyClaw',
    about:
      'What is kept of the standard output of a job, and of its standard error; at hosts and at the API.',
    default: '131072',
  },
  SKYCLAW_ROLLOUT_TIMEOUT_MS: {
    group: 'SkyClaw',
    about:
      'A replica of a service that has not come up after so long is given up; if it was of a new generation, the service goes back to the last one that ran.',
    default: '120000',
  },
  SKYCLAW_ROLLOUT_MAX_FAILURES: {
    group: 'SkyClaw',
    about:
      'A new generation of a service whose replicas fail so often is given up: the service goes back to the last one that ran.',
    default: '3',
  },
  SKYCLAW_LOG_MAX_BYTES: {
    group: 'SkyClaw',
    about:
      'What is kept of the live output of a job, of all its attempts together; of a service the newest of that size from each host.',
    default: '1048576',
  },
  SKYCLAW_LOG_STREAMS_MAX: {
    group: 'SkyClaw',
    about: 'Streams of live output that one replica serves at once; the next one hears 503.',
    default: '200',
  },
  SKYCLAW_COORDINATOR_NODE_ID: {
    group: 'SkyClaw',
    about: 'Id of this replica in answers (nodeId, updatedBy). Unset: made up at start.',
  },
  SKYCLAW_COORDINATOR_PUBLIC_URL: {
    group: 'SkyClaw',
    about: 'Where others reach this replica; told by GET /v1/network/peers of all replicas.',
  },
  SKYCLAW_PEER_URLS: {
    group: 'SkyClaw',
    about: 'Comma list of further addresses that GET /v1/network/peers names.',
  },
  SKYCLAW_MIN_REPLICATIONS: {
    group: 'SkyClaw',
    about:
      'Copies of the data that a change over the SkyClaw routes must have before it is answered, the primary included: N asks for N-1 synchronous standbys.',
    default: '1',
  },
  SKYCLAW_COMMIT_WAIT_MS: {
    group: 'SkyClaw',
    about:
      'How long a change waits for its standbys before its caller hears 503; only with SKYCLAW_MIN_REPLICATIONS above 1.',
    default: '10000',
  },
  SKYCLAW_PEER_DISCOVERY: {
    group: 'SkyClaw',
    about: 'Accepted for older deployments, without effect.',
    ignored: NO_SYNC,
  },
  SKYCLAW_PEER_SYNC_MS: {
    group: 'SkyClaw',
    about: 'Accepted for older deployments, without effect.',
    ignored: NO_SYNC,
  },

  SKYCLAW_PUBLIC_API_KEYS: {
    group: 'SkyClaw',
    about:
      'Comma list of keys of the public API, key:label:cap1|cap2[:shell]; openclaw is the default capability. Keys of the database (skynet key create) need no setting.',
    secret: true,
  },
  SKYCLAW_PUBLIC_RATE_LIMIT_PER_MIN: {
    group: 'SkyClaw',
    about:
      'Requests to the public API per key and minute, all replicas together; 0 or less is no limit. A key of the database may have its own.',
    default: '600',
  },
  SKYCLAW_PUBLIC_CORS_ORIGIN: {
    group: 'SkyClaw',
    about: 'Browser origin that may read answers of the public API; * is any.',
    default: '*',
  },
  SKYCLAW_PUBLIC_URL: {
    group: 'SkyClaw',
    about:
      'Where callers reach the public API, for example https://api.example.com; named in requests for payment. Unset: what the request says.',
  },
  SKYCLAW_X402_FACILITATOR_URL: {
    group: 'SkyClaw',
    about: 'x402 facilitator that verifies and settles payments. Needed as soon as anything has a price.',
  },
  SKYCLAW_X402_FACILITATOR_TOKEN: {
    group: 'SkyClaw',
    about: 'Sent to the facilitator as Authorization: Bearer.',
    secret: true,
  },
  SKYCLAW_X402_TIMEOUT_MS: {
    group: 'SkyClaw',
    about: 'How long one call of the facilitator may take.',
    default: '15000',
  },
  SKYCLAW_X402_PRICES: {
    group: 'SkyClaw',
    about:
      'Price list of the public API: JSON, or the path of a JSON file: [{kind?, capability?, price}], the first entry that fits counts. Unset: jobs are free, but for keys with a price.',
  },

  OPENCLAW_HTTP_HOST: {
    group: 'gateway',
    about: 'Address that the gateway listens on.',
    default: '127.0.0.1',
  },
  OPENCLAW_HTTP_PORT: { group: 'gateway', about: "Port of the gateway's HTTP API.", default: '8766' },
  SKYNET_HTTP_HOST: { group: 'gateway', about: 'The same as OPENCLAW_HTTP_HOST, and wins over it.' },
  SKYNET_HTTP_PORT: { group: 'gateway', about: 'The same as OPENCLAW_HTTP_PORT, and wins over it.' },
  OPENCLAW_HTTP_ALLOW_UNAUTHENTICATED: {
    group: 'gateway',
    about: '1 lets the gateway listen beyond loopback without SKYNET_GATEWAY_TOKEN.',
    default: '0',
  },
  SKYNET_ALLOWED_ROOTS: {
    group: 'gateway',
    about: 'Folders that actions may touch, separated by ; or ,. Unset: no path is allowed.',
  },
  OPENCLAW_ALLOWED_ROOTS: {
    group: 'gateway',
    about: 'The same as SKYNET_ALLOWED_ROOTS, which wins over it.',
  },

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

  SKYCLAW_COORDINATOR_URL: {
    group: 'cli',
    about: 'Where the coordinator is that hosts and skyclaw commands talk to.',
    default: 'http://127.0.0.1:8787',
  },
  SKYCLAW_COORDINATOR_URLS: {
    group: 'cli',
    about:
      'Comma list of coordinators, of which the first that answers is used by hosts and skyclaw commands; wins over SKYCLAW_COORDINATOR_URL.',
  },
  SKYCLAW_CLI_RECONNECT_SECS: {
    group: 'cli',
    about: 'Seconds that a skyclaw command that waits goes on trying when the coordinator does not answer.',
    default: '120',
  },
  SKYNET_ORCHESTRATOR_URL: {
    group: 'cli',
    about: 'Where the API is that skynet key talks to, with SKYNET_API_KEY.',
    default: 'http://localhost:8000',
  },

  SKYCLAW_GATEWAY_HOST: {
    group: 'service gateway',
    about: 'Address that the service gateway listens on.',
    default: '0.0.0.0',
  },
  SKYCLAW_GATEWAY_PORT: {
    group: 'service gateway',
    about: 'Port of the service gateway.',
    default: '8790',
  },
  SKYCLAW_GATEWAY_TOKEN: {
    group: 'service gateway',
    about:
      'Token that callers send as Authorization: Bearer or x-skyclaw-gateway-token. Unset: the gateway is open.',
    secret: true,
  },
  SKYCLAW_GATEWAY_REFRESH_MS: {
    group: 'service gateway',
    about: 'Time between two looks at the list of services; a long poll makes it sooner.',
    default: '3000',
  },
  SKYCLAW_GATEWAY_HEALTH_PROBE_MS: {
    group: 'service gateway',
    about: 'Time between two probes of an endpoint.',
    default: '5000',
  },
  SKYCLAW_GATEWAY_HEALTH_PATH: {
    group: 'service gateway',
    about: 'What is probed of services that name no healthPath.',
    default: '/health',
  },
  SKYCLAW_GATEWAY_HEALTH_TIMEOUT_MS: {
    group: 'service gateway',
    about: 'How long a probe may take.',
    default: '1500',
  },
  SKYCLAW_GATEWAY_RETRY_ATTEMPTS: {
    group: 'service gateway',
    about: 'How often GET, HEAD and OPTIONS are tried again, elsewhere first.',
    default: '1',
  },
  SKYCLAW_GATEWAY_UNHEALTHY_COOLDOWN_MS: {
    group: 'service gateway',
    about: 'How long an endpoint that failed is skipped, unless a probe finds it well before.',
    default: '10000',
  },
  SKYCLAW_GATEWAY_TIMEOUT_MS: {
    group: 'service gateway',
    about: 'Longest time to the head of an answer, and longest silence within it.',
    default: '30000',
  },
  SKYCLAW_GATEWAY_MAX_HEADER_BYTES: {
    group: 'service gateway',
    about: 'Largest head of a request or an answer; a larger request hears 431.',
    default: '16384',
  },
  SKYCLAW_GATEWAY_MAX_WEBSOCKETS: {
    group: 'service gateway',
    about: 'WebSockets that are open at once; the next one hears 503.',
    default: '10000',
  },
} as const satisfies Record<string, Variable>;
