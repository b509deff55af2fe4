import { ApiProperty } from '@nestjs/swagger';
import { DEFAULT_LIMIT } from '../../platform/http/cursor.js';
import { AnyObject, Flag, Integer, OneOf, Text, TextList } from '../../platform/http/fields.js';

const ID = 200;
const CAPABILITIES = { maxItems: 64, maxLength: 100 };
/** The longest that a call may wait for something to happen. */
const MAX_WAIT_MS = 25_000;
const REPORTED = ['pending', 'running', 'failed'] as const;
const ROLLOUT_STATES = ['progressing', 'complete', 'rolled-back', 'failed', 'stopped'] as const;

/** A process that hosts keep running. */
export class DeployServiceRequest {
  /** Your own id for it; one that is there is deployed anew. Left out or empty, one is made. */
  @Text({ optional: true, nullable: true, maxLength: ID })
  serviceId: string | null = null;

  /** Its name; no two services that live have the same. */
  @Text({ maxLength: ID, example: 'search-api' })
  name!: string;

  /** What the host starts; it must be among the host's allowed commands. */
  @Text({ maxLength: 4_096, example: 'node' })
  command!: string;

  /** Its arguments. */
  @TextList({ optional: true, nullable: true, maxItems: 1_000, maxLength: 32_768, example: ['server.js'] })
  args: string[] | null = null;

  /** Where it runs; the host's own folder when left out. */
  @Text({ optional: true, nullable: true, maxLength: 4_096 })
  cwd: string | null = null;

  /** Environment variables, texts by name. Shown as `***` but to whoever sends them and to the host that runs it. */
  @AnyObject({ optional: true, nullable: true, example: { LOG_LEVEL: 'info' } })
  env: Record<string, unknown> | null = null;

  /** How many run at once. */
  @Integer({ optional: true, nullable: true, min: 0, max: 1_000 })
  replicas: number | null = 1;

  /** What a host must have to run it; none when empty. */
  @TextList({ optional: true, nullable: true, ...CAPABILITIES })
  requiredCapabilities: string[] | null = ['service-host'];

  /** How many of them one host runs at most. */
  @Integer({ optional: true, nullable: true, min: 1, max: 100 })
  maxPerHost: number | null = 1;

  /** Asked before a replica counts as running; a port that accepts is enough without it. */
  @Text({ optional: true, nullable: true, maxLength: 1_000, example: '/health' })
  healthPath: string | null = null;

  /** Image to run in, on hosts that isolate. */
  @Text({ optional: true, nullable: true, maxLength: 500 })
  image: string | null = null;

  /** An isolated service always has a network, or nobody could reach it: `false` is refused. */
  @Flag({ optional: true, nullable: true })
  network: boolean | null = null;
}

export class ScaleServiceRequest {
  /** How many should run at once. */
  @Integer({ min: 0, max: 1_000, example: 2 })
  replicas!: number;
}

export class ListServicesQuery {
  /** Rows at most; negative or above 1000 means 1000. */
  @Integer({ optional: true, min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER })
  limit = DEFAULT_LIMIT;

  /** `next_cursor` of the page before. */
  @Text({ optional: true, nullable: true, maxLength: 1_000 })
  cursor: string | null = null;

  /** `x-services-version` of an earlier answer: 304 unless something has changed by which requests are routed. */
  @Text({ optional: true, nullable: true, maxLength: 200 })
  since: string | null = null;

  /** With `since`: how long to wait for a change, in milliseconds, 25 s at most. */
  @Integer({ optional: true, min: 0, max: MAX_WAIT_MS })
  wait_ms = 0;
}

export class ClaimServiceRequest {
  /** How long to wait for something to start when there is nothing, in milliseconds, 25 s at most. */
  @Integer({ optional: true, min: 0, max: MAX_WAIT_MS })
  wait_ms = 0;
}

/** What a host says of one of its replicas. */
export class ReportServiceRequest {
  /** The host. */
  @Text({ minLength: 1, maxLength: ID, example: 'host-1' })
  hostId!: string;

  /** Which of its replicas; its only one, or 0, when left out. */
  @Integer({ optional: true, nullable: true, min: 0, max: 1_000_000 })
  slot: number | null = null;

  /** `running` only once it accepts connections and is healthy. `failed`: the process has ended. */
  @OneOf(REPORTED, { example: 'running' })
  status!: (typeof REPORTED)[number];

  /** Where it is reached: an http or https URL. */
  @Text({ optional: true, nullable: true, maxLength: 2_048, example: 'http://127.0.0.1:3100' })
  endpoint: string | null = null;

  /** Why it failed. */
  @Text({ optional: true, nullable: true, maxLength: 100_000 })
  error: string | null = null;

  /** The generation that is reported of; the newest that the host has in the slot when left out. */
  @Integer({ optional: true, nullable: true, min: 1, max: 2_147_483_647 })
  generation: number | null = null;
}

/** One process of a service on a host. */
export class AssignmentState {
  /** The host. */
  hostId!: string;
  /** Tells the replicas of the service on the host apart. */
  slot!: number;
  /** `failed`: it has ended, and is started again after a rest, there or elsewhere. */
  @ApiProperty({ enum: REPORTED })
  status!: (typeof REPORTED)[number];
  /** Where it is reached; absent unless it runs. */
  @ApiProperty({ required: false })
  endpoint?: string;
  /** Why it last failed. */
  @ApiProperty({ required: false })
  error?: string;
  /** When it last came up. */
  @ApiProperty({ required: false, type: 'string', format: 'date-time' })
  startedAt?: string;
  /** When this was last written. */
  @ApiProperty({ type: 'string', format: 'date-time' })
  updatedAt!: string;
  /** The generation that it runs. */
  generation!: number;
  /** How often it was started again after a failure. */
  restarts!: number;
}

/** A service as it stands. */
export class ServiceState {
  /** Its id. */
  id!: string;
  /** Its name. */
  name!: string;
  /** What hosts start. */
  command!: string;
  /** With which arguments. */
  args!: string[];
  /** Where. */
  @ApiProperty({ required: false })
  cwd?: string;
  /** Its environment variables; every value is `***` but for the creator and the host that claims. */
  @ApiProperty({ required: false, additionalProperties: { type: 'string' } })
  env?: Record<string, string>;
  /** How many should run. */
  replicas!: number;
  /** What a host must have. */
  requiredCapabilities!: string[];
  /** How many one host runs at most. */
  maxPerHost!: number;
  /** Asked before a replica counts as running. */
  @ApiProperty({ required: false })
  healthPath?: string;
  /** Image to run in. */
  @ApiProperty({ required: false })
  image?: string;
  /** Whether it may use the network. */
  @ApiProperty({ required: false })
  network?: boolean;
  /** running: at least one replica runs. */
  @ApiProperty({ enum: ['pending', 'running', 'failed', 'stopped'] })
  status!: 'pending' | 'running' | 'failed' | 'stopped';
  /** The generation that should run; a new one with every change of what is run. */
  generation!: number;
  /** Its processes, in the order in which they were claimed. */
  @ApiProperty({ type: () => [AssignmentState] })
  assignments!: AssignmentState[];
  /** When it was first deployed. */
  @ApiProperty({ type: 'string', format: 'date-time' })
  createdAt!: string;
  /** When anything of it was last written. */
  @ApiProperty({ type: 'string', format: 'date-time' })
  updatedAt!: string;
  /** The replica of the control plane that wrote it. */
  updatedBy!: string;
  /** Grows with every write. */
  version!: number;
}

export class ServiceResponse {
  /** The service. */
  service!: ServiceState;
}

export class ServiceListResponse {
  /** By creation, oldest first. */
  @ApiProperty({ type: () => [ServiceState] })
  services!: ServiceState[];
  /** Send it as `cursor` for the next page; absent on the last. */
  @ApiProperty({ required: false })
  next_cursor?: string;
}

export class ClaimServiceResponse {
  /** What to start, with the values of `env`; null when there is nothing. */
  @ApiProperty({ type: () => ServiceState, nullable: true })
  service!: ServiceState | null;
  /** As which of the host's replicas. One of an older generation in the same slot goes on until this one runs. */
  @ApiProperty({ required: false })
  slot?: number;
}

/** The way of a generation into service. */
export class RolloutState {
  /** The service. */
  serviceId!: string;
  /** The generation that should run; after a rollback the earlier one. */
  generation!: number;
  /** `progressing` until all replicas run the generation, and again while one is missing; `failed` when it did not come up and there is none to go back to. */
  @ApiProperty({ enum: ROLLOUT_STATES })
  state!: (typeof ROLLOUT_STATES)[number];
  /** How it is going, in a sentence. */
  message!: string;
  /** How many should run. */
  replicas!: number;
  /** Replicas of the generation. */
  updated!: number;
  /** Those of them that run. */
  ready!: number;
  /** Replicas of other generations that still run. */
  old!: number;
  /** When it began. */
  @ApiProperty({ type: 'string', format: 'date-time' })
  startedAt!: string;
  /** When it ended. */
  @ApiProperty({ required: false, type: 'string', format: 'date-time' })
  finishedAt?: string;
}

export class RolloutResponse {
  /** How far the generation that should run is in use. */
  rollout!: RolloutState;
}
