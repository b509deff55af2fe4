import { type Variable } from './variable.js';

const NO_SYNC = 'replicas share one database and find each other there';

export const skyclawVariables = {
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
      'Comma list of keys of the public API, key:label:cap1|cap2[:shell]; openclaw is the default capability. Keys of the database (skynet public-key create) need no setting.',
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
} as const satisfies Record<string, Variable>;
