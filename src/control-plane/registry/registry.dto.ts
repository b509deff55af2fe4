import { ApiProperty } from '@nestjs/swagger';
import { type GatewayProtocolName, gatewayProtocols } from '../gateway-client/index.js';
import { MAX_LIMIT } from '../../platform/http/cursor.js';
import { AnyObject, Integer, OneOf, Text, TextList } from '../../platform/http/fields.js';

const ID = 200;
const CAPABILITIES = { maxItems: 64, maxLength: 100 };
const VERSION = { optional: true, nullable: true, minLength: 1, maxLength: 100 } as const;
const SLOTS = { optional: true, nullable: true, min: 1, max: 100_000 } as const;
const LOAD = { optional: true, nullable: true, min: 0, max: 1_000_000 } as const;

/** A gateway that wants tasks. */
export class RegisterGatewayRequest {
  /** The gateway's id; registering it again replaces what it said before. */
  @Text({ minLength: 1, maxLength: ID, example: 'openclaw' })
  gateway_id!: string;

  /** Its http or https URL, without credentials or fragment. Link-local and metadata addresses are refused. */
  @Text({ minLength: 1, maxLength: 2_000, example: 'http://127.0.0.1:8766' })
  host!: string;

  /** What it speaks: `skynet`, the protocol of our own gateway, or `openclaw`, that of a real OpenClaw gateway. */
  @OneOf(gatewayProtocols, { optional: true })
  protocol: GatewayProtocolName = 'skynet';

  /**
   * The token or password of an OpenClaw gateway. Stored sealed, shown to nobody. Left out, what was given before stays, as
   * long as the host does.
   */
  @Text({ optional: true, nullable: true, minLength: 1, maxLength: 4_096, secret: true })
  credential: string | null = null;

  /** The file below SKYNET_SECRETS_DIR that holds the token or password instead, for example `openclaw-token`; read at each use. */
  @Text({ optional: true, nullable: true, minLength: 1, maxLength: 500 })
  credential_file: string | null = null;

  /** What it can do. Empty keeps what it said before. */
  @TextList({ optional: true, ...CAPABILITIES, example: ['execute_task'] })
  capabilities: string[] = [];

  /** The status that it has whenever its probe is good; `online` and `healthy` get tasks. */
  @Text({ optional: true, minLength: 1, maxLength: 50 })
  status = 'online';

  /** Anything about it. Empty keeps what it said before. */
  @AnyObject({ optional: true })
  metadata: Record<string, unknown> = {};

  /** Its version. Left out or null, what it said before stays; so with slots and load. */
  @Text(VERSION)
  version: string | null = null;

  /** How many tasks it wants at once; the smaller of this and SKYNET_GATEWAY_MAX_IN_FLIGHT counts. */
  @Integer(SLOTS)
  slots: number | null = null;

  /** How many actions it runs at the moment. */
  @Integer(LOAD)
  load: number | null = null;
}

/** A sign of life of a gateway that registers itself. */
export class GatewayHeartbeatRequest {
  /** A new status, as in its registration; left out or null, it stays. `offline` says goodbye. */
  @Text({ optional: true, nullable: true, minLength: 1, maxLength: 50 })
  status: string | null = null;

  /** Its version. Left out or null, what it said before stays; so with slots and load. */
  @Text(VERSION)
  version: string | null = null;

  /** How many tasks it wants at once. */
  @Integer(SLOTS)
  slots: number | null = null;

  /** How many actions it runs at the moment. */
  @Integer(LOAD)
  load: number | null = null;
}

/** A worker that pulls tasks. */
export class RegisterWorkerRequest {
  /** The worker's id. */
  @Text({ minLength: 1, maxLength: ID, example: 'worker-1' })
  worker_id!: string;

  /** The gateway that it belongs to; always replaced. */
  @Text({ optional: true, nullable: true, maxLength: ID })
  gateway_id: string | null = null;

  /** What it can do. Empty keeps what it said before. */
  @TextList({ optional: true, ...CAPABILITIES })
  capabilities: string[] = [];

  /** `online`, `healthy`, `running` and `busy` count as alive. */
  @Text({ optional: true, minLength: 1, maxLength: 50 })
  status = 'online';

  /** How much it can take, such as maxParallel. Empty keeps what it said before. */
  @AnyObject({ optional: true })
  capacity: Record<string, unknown> = {};

  /** Anything about it. Empty keeps what it said before. */
  @AnyObject({ optional: true })
  metadata: Record<string, unknown> = {};
}

/** A sign of life. */
export class HeartbeatRequest {
  /** A new status; left out, it stays. */
  @Text({ optional: true, nullable: true, minLength: 1, maxLength: 50 })
  status: string | null = null;

  /** What the worker is at, for those who watch it; leases are renewed by /v1/tasks/{id}/renew. */
  @TextList({ optional: true, nullable: true, maxItems: 1_000, maxLength: ID })
  active_task_ids: string[] | null = null;
}

export class GatewayView {
  /** The gateway's id. */
  gateway_id!: string;
  /** Where it listens. */
  host!: string;
  /** What it speaks. */
  @ApiProperty({ type: 'string', enum: [...gatewayProtocols] })
  protocol!: GatewayProtocolName;
  /** What it can do. */
  capabilities!: string[];
  /** `offline`: it does not answer; `degraded`: it answers but has no executor; else what was declared. */
  status!: string;
  /** Anything about it. */
  @ApiProperty({ type: 'object', additionalProperties: true })
  metadata!: Record<string, unknown>;
  /** When it first registered. */
  @ApiProperty({ type: 'string', format: 'date-time' })
  registered_at!: string;
  /** When it last registered or gave a sign of life, or a probe last changed its status for the better. */
  @ApiProperty({ type: 'string', format: 'date-time' })
  last_heartbeat!: string;
  /** Why its status is not good; empty when it is. */
  status_reason!: string;
  /** Since when it is paused: sent nothing new, whatever its status; null when it is not. */
  @ApiProperty({ type: 'string', format: 'date-time', nullable: true })
  paused_at!: string | null;
  /** What the operator said who paused it; null when it is not paused. */
  @ApiProperty({ type: 'string', nullable: true })
  pause_reason!: string | null;
  /** What it said its version is; null when it has not said. */
  @ApiProperty({ type: 'string', nullable: true })
  version!: string | null;
  /** How many tasks it wants at once; null when it has not said: then SKYNET_GATEWAY_MAX_IN_FLIGHT alone counts. */
  @ApiProperty({ type: 'integer', nullable: true })
  slots!: number | null;
  /** How many actions it was running when it last gave a sign of life; null when it has not said. */
  @ApiProperty({ type: 'integer', nullable: true })
  load!: number | null;
}

export class WorkerView {
  /** The worker's id. */
  worker_id!: string;
  /** The gateway that it belongs to. */
  @ApiProperty({ type: 'string', nullable: true })
  gateway_id!: string | null;
  /** What it can do. */
  capabilities!: string[];
  /** What it said, or `offline` when its heartbeat has stopped for 60 s. */
  status!: string;
  /** How much it can take. */
  @ApiProperty({ type: 'object', additionalProperties: true })
  capacity!: Record<string, unknown>;
  /** Anything about it. */
  @ApiProperty({ type: 'object', additionalProperties: true })
  metadata!: Record<string, unknown>;
  /** When it first registered. */
  @ApiProperty({ type: 'string', format: 'date-time' })
  registered_at!: string;
  /** When it last called. */
  @ApiProperty({ type: 'string', format: 'date-time' })
  last_heartbeat!: string;
}

export class SystemStateQuery {
  /** Gateways and workers at most, gateways first; negative or above 1000 means 1000. */
  @Integer({ optional: true, min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER })
  limit = MAX_LIMIT;

  /** `next_cursor` of the page before. */
  @Text({ optional: true, nullable: true, maxLength: 1_000 })
  cursor: string | null = null;
}

export class SystemStateResponse {
  /** How many gateways there are. */
  @ApiProperty({ type: 'integer' })
  gateway_count!: number;
  /** How many workers there are. */
  @ApiProperty({ type: 'integer' })
  worker_count!: number;
  /** Gateways, oldest first. */
  gateways!: GatewayView[];
  /** Workers, oldest first, after all gateways. */
  workers!: WorkerView[];
  /** When this was read. */
  @ApiProperty({ type: 'string', format: 'date-time' })
  generated_at!: string;
  /** There is more; absent on the last page. */
  next_cursor?: string;
}
