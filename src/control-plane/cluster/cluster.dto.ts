import { ApiProperty } from '@nestjs/swagger';
import { type Host, type Job, type Service } from '../../contracts/skyclaw.js';
import { Integer, Text } from '../../platform/http/fields.js';

export class CoordinatorHealthResponse {
  /** Always true; without its database the answer is 503. */
  ok!: boolean;
  /** Who answers. */
  nodeId!: string;
}

export class JoinNetworkRequest {
  /** Where a coordinator can be reached. */
  @Text({ optional: true, nullable: true, maxLength: 10_000, example: 'https://coordinator.example' })
  url: string | null = null;
}

export class NetworkResponse {
  /** Who answers. */
  nodeId!: string;

  @ApiProperty({ required: false, description: 'Where this replica is reached, if it was told.' })
  self?: string;

  @ApiProperty({ type: [String], description: 'Where else to ask: other live replicas and known addresses.' })
  peers!: readonly string[];
}

export class JoinNetworkResponse extends NetworkResponse {
  /** Always true. */
  ok!: boolean;
}

export class StateQuery {
  /** How many finished jobs at most; negative or above 1000 for 1000. */
  @Integer({ optional: true, min: -1_000_000, max: 1_000_000 })
  limit = 1_000;

  /** `next_cursor` of the page before. */
  @Text({ optional: true, nullable: true, maxLength: 1_000 })
  cursor: string | null = null;
}

export class StateResponse {
  /** Who answers. */
  nodeId!: string;

  @ApiProperty({ type: [Object], description: 'All hosts; empty on later pages.' })
  hosts!: readonly Host[];

  @ApiProperty({
    type: [Object],
    description: 'All unfinished jobs and the newest finished ones, by the time of their making.',
  })
  jobs!: readonly Job[];

  @ApiProperty({ type: [Object], description: 'All services; empty on later pages.' })
  services!: readonly Service[];

  @ApiProperty({ required: false, description: 'Where older jobs begin; absent on the last page.' })
  next_cursor?: string;
}

/** What `GET /v1/state` answers, here or at a coordinator of old. Read by `snapshot.ts`, record by record. */
export class SnapshotRequest {
  @ApiProperty({ required: false, description: 'Whose state it is; for people to read.' })
  nodeId?: string;

  @ApiProperty({ type: [Object], description: 'Hosts.', example: [] })
  hosts!: unknown[];

  @ApiProperty({ type: [Object], description: 'Jobs, in any order.', example: [] })
  jobs!: unknown[];

  @ApiProperty({ type: [Object], required: false, description: 'Services.' })
  services?: unknown[];
}

/** A record that was not taken as it came. */
export class SnapshotRemark {
  /** What it is. */
  @ApiProperty({ enum: ['job', 'service'] })
  kind!: 'job' | 'service';
  /** Its id. */
  id!: string;
  /** `left out: …`, or what it was changed to, and why. */
  text!: string;
}

export class SnapshotResponse {
  /** Always true. */
  ok!: boolean;
  /** Whether anything was written. */
  changed!: boolean;
  /** Who answers. */
  nodeId!: string;
  /** The records that were left out or changed, 1,000 at most; all others are as they came. */
  @ApiProperty({ type: () => [SnapshotRemark] })
  remarks!: SnapshotRemark[];
  /** How many there are. */
  remarkCount!: number;
}
