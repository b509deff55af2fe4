/**
 * What coordinator, hosts, the service gateway and the CLI say to each other: the JSON bodies of the SkyClaw routes.
 * Times are ISO 8601 in UTC with milliseconds (`Date#toISOString`). Errors are `{error: text}` on the routes of the
 * original, and RFC 9457 documents with an `error` member of the same text on the ones that are new.
 */

/** What a shell job runs. */
export interface ShellPayload {
  readonly kind: 'shell';
  readonly command: string;
  readonly args?: readonly string[];
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Limit of the run in milliseconds, 1000..86400000. */
  readonly timeoutMs?: number;
  /** Image to run in, on hosts that isolate. */
  readonly image?: string;
  /** Whether the container may use the network; without isolation it always may. */
  readonly network?: boolean;
}

/** What an OpenClaw job runs: the OpenClaw command of the host with these arguments. */
export interface OpenClawRunPayload {
  readonly kind: 'openclaw-run';
  readonly args?: readonly string[];
  readonly openclawDir?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
  readonly image?: string;
  readonly network?: boolean;
}

export type JobPayload = ShellPayload | OpenClawRunPayload;

export type JobStatus = 'queued' | 'leased' | 'completed' | 'failed';

export interface JobResult {
  readonly finishedAt: string;
  readonly durationMs: number;
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Job {
  readonly id: string;
  readonly payload: JobPayload;
  readonly requirement: { readonly requiredCapabilities: readonly string[] };
  readonly status: JobStatus;
  readonly priority: number;
  readonly dependencies: readonly string[];
  readonly submittedBy?: string;
  /** Only in the answer to a claim: it came in by the public API, and its folder must stay below the host's work root. */
  readonly confined?: boolean;
  readonly assignedHostId?: string;
  /** Only while it is leased. */
  readonly leaseExpiresAt?: string;
  /** Only in the answer to a claim: the credential of this attempt. */
  readonly leaseToken?: string;
  readonly attempts: number;
  readonly result?: JobResult;
  readonly error?: string;
  readonly ttlMs?: number;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly updatedBy: string;
  readonly version: number;
}

/** `online`: heard of lately. `draining` and `cordoned` hosts are heard of and get no new work. */
export type HostStatus = 'online' | 'cordoned' | 'draining' | 'drained' | 'offline' | 'revoked';

export interface Host {
  readonly id: string;
  readonly name: string;
  /** Trimmed, unique, sorted. */
  readonly capabilities: readonly string[];
  readonly maxParallel: number;
  /** Always the server's count of live leases. */
  readonly activeLeases: number;
  readonly reportedActiveLeases?: number;
  readonly status: HostStatus;
  readonly drain?: { readonly since: string; readonly deadline?: string; readonly reason: string };
  readonly registeredAt: string;
  readonly lastSeenAt: string;
  /** Grows with every registration, heartbeat and word of an operator. */
  readonly version: number;
  /** The replica of the control plane that wrote it last. */
  readonly updatedBy: string;
}

export interface ClaimRequest {
  /** How long the answer may wait for work; a coordinator that does not know it answers at once. */
  readonly wait_ms?: number;
}

export interface RegisterHostRequest {
  readonly hostId?: string;
  readonly name: string;
  readonly capabilities?: readonly string[];
  readonly maxParallel?: number;
  /** Jobs that the daemon still runs; others that the host holds are taken back. */
  readonly activeJobs?: readonly string[];
  /** Processes of services that the daemon still runs; absent: it does not say, and is handed all that it had anew. */
  readonly activeServices?: readonly ActiveService[];
  /** The host's own limit for payloads that name none (SKYCLAW_TIMEOUT_MS). */
  readonly defaultTimeoutMs?: number;
}

export interface RegisterHostResponse {
  readonly host: Host;
  /** Only with per-host credentials: shown this once, to be sent as `x-skyclaw-host-token` from now on. */
  readonly hostToken?: string;
}

export interface HeartbeatRequest {
  readonly activeLeases?: number;
  /** Jobs whose leases are renewed; absent: all that the host holds. */
  readonly activeJobs?: readonly string[];
  /** Capabilities that have come or gone since registration (probes); absent: unchanged. */
  readonly capabilities?: readonly string[];
  /**
   * Every process of a service on the host that has not ended, from the moment at which it was claimed. With it the
   * coordinator knows what must end, what has ended, and what is missing; absent: it goes by what was reported.
   */
  readonly activeServices?: readonly ActiveService[];
}

/** One process of a service on a host. */
export interface ActiveService {
  readonly serviceId: string;
  readonly slot: number;
  readonly generation: number;
}

export interface HeartbeatResponse {
  readonly host: Host;
  /** Services of which no process on this host may go on. */
  readonly stopServices: readonly string[];
  /** Single replicas that must end while others of the service on this host go on: just the processes of this generation. */
  readonly stopReplicas: readonly ActiveService[];
  /** Jobs of `activeJobs` that the host no longer holds: cancelled, or given to another. Their processes must end. */
  readonly stopJobs: readonly string[];
}

export interface CompleteJobRequest {
  readonly hostId: string;
  readonly success: boolean;
  readonly durationMs?: number;
  readonly exitCode?: number;
  readonly stdout?: string;
  readonly stderr?: string;
  readonly error?: string;
  readonly leaseToken?: string;
}

export type AssignmentStatus = 'pending' | 'running' | 'failed';

export interface Assignment {
  readonly hostId: string;
  /** Tells the replicas of one service on one host apart, from 0; a host has one unless `maxPerHost` allows more. */
  readonly slot: number;
  readonly status: AssignmentStatus;
  readonly endpoint?: string;
  readonly error?: string;
  readonly startedAt?: string;
  readonly updatedAt: string;
  readonly generation: number;
  readonly restarts: number;
}

export type ServiceStatus = 'pending' | 'running' | 'failed' | 'stopped';

export interface Service {
  readonly id: string;
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  /** Values are `***` but for the creator and the host that claims. */
  readonly env?: Readonly<Record<string, string>>;
  readonly replicas: number;
  readonly requiredCapabilities: readonly string[];
  readonly maxPerHost?: number;
  /** Asked by hosts before a replica counts as running, and by gateways; a port that accepts is enough without it. */
  readonly healthPath?: string;
  readonly image?: string;
  readonly network?: boolean;
  readonly status: ServiceStatus;
  readonly generation: number;
  readonly assignments: readonly Assignment[];
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly updatedBy: string;
  readonly version: number;
}

/** `POST /v1/services`; `PATCH /v1/services/:id` takes `replicas` of it. */
export interface DeployServiceRequest {
  /** Of a service that is there: it is deployed anew. Absent: one is made. */
  readonly serviceId?: string;
  readonly name: string;
  readonly command: string;
  readonly args?: readonly string[];
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly replicas?: number;
  readonly requiredCapabilities?: readonly string[];
  readonly maxPerHost?: number;
  readonly healthPath?: string;
  readonly image?: string;
  readonly network?: boolean;
}

/** `POST /v1/hosts/:id/services/claim` */
export interface ClaimServiceRequest {
  /** How long to wait for something to start when there is nothing, in milliseconds, up to 25000. */
  readonly wait_ms?: number;
}

/** `POST /v1/hosts/:id/services/claim`: what the host should start, as which of its replicas. */
export interface ClaimServiceResponse {
  readonly service: Service | null;
  readonly slot?: number;
}

export interface ReportServiceRequest {
  readonly hostId: string;
  /** 0 when absent. */
  readonly slot?: number;
  readonly status: AssignmentStatus;
  readonly endpoint?: string;
  readonly error?: string;
  /** The generation that is reported of; a report of an older one than the assignment's is ignored. */
  readonly generation?: number;
}

/** One piece of output. `seq` counts from 1 within an attempt, over both streams. */
export interface LogEntry {
  readonly seq: number;
  readonly stream: 'stdout' | 'stderr';
  readonly text: string;
}

/** `POST /v1/jobs/:id/logs` and `POST /v1/services/:id/logs`. Entries that are already there are skipped. */
export interface AppendLogsRequest {
  readonly hostId: string;
  /** The attempt of a job, the restart count of a service's process on this host. */
  readonly attempt: number;
  readonly leaseToken?: string;
  /** Of a service, which of its replicas on the host; 0 when absent. */
  readonly slot?: number;
  /** Of a service, the generation that the process runs: its `seq` may begin anew with each. 0 when absent. */
  readonly generation?: number;
  readonly entries: readonly LogEntry[];
}

export interface AppendLogsResponse {
  readonly ok: true;
  /** The highest `seq` that is kept. */
  readonly lastSeq: number;
  /** Whether the bound of this output is reached: nothing more will be kept. */
  readonly full: boolean;
}

export interface LogLine extends LogEntry {
  readonly attempt: number;
  readonly hostId: string;
  /** Of a service, which of its replicas on the host; absent for the first, and for jobs. */
  readonly slot?: number;
  readonly at: string;
}

/**
 * `GET /v1/jobs/:id/logs?after=&limit=` and the same of services. With `follow=1` it is a Server-Sent Events stream:
 * events `log` (data: a {@link LogLine}, id: its cursor) and, once a job has ended, `end` (data: {@link LogEnd}).
 */
export interface LogsResponse {
  readonly entries: readonly LogLine[];
  /** Where to go on from; absent when nothing more can come. */
  readonly next?: string;
  readonly truncated: boolean;
}

export interface LogEnd {
  readonly status: JobStatus;
  readonly exitCode: number | null;
  readonly error?: string;
}

/** In the answer to `GET /v1/services/:id/rollout`, as `rollout`. */
export interface Rollout {
  readonly serviceId: string;
  readonly generation: number;
  /** `progressing` until all replicas run the generation; `failed` when it never came up and nothing is left to go back to. */
  readonly state: 'progressing' | 'complete' | 'rolled-back' | 'failed' | 'stopped';
  readonly message: string;
  readonly replicas: number;
  /** Replicas of the newest generation, and those of them that run. */
  readonly updated: number;
  readonly ready: number;
  /** Replicas of older generations that still run. */
  readonly old: number;
  readonly startedAt: string;
  readonly finishedAt?: string;
}
