import { ApiProperty } from '@nestjs/swagger';
import { type Host } from '../../contracts/skyclaw.js';
import { Integer, ListOf, Text, TextList } from '../../platform/http/fields.js';

const ID = 200;
const MOST = 1_000;
const DAY_MS = 86_400_000;

export class ActiveServiceEntry {
  /** The service. */
  @Text({ minLength: 1, maxLength: ID })
  serviceId!: string;

  /** Which of its processes on this host. */
  @Integer({ min: 0, max: 10_000 })
  slot!: number;

  /** The generation that it runs. */
  @Integer({ min: 1, max: 2_147_483_647 })
  generation!: number;
}

export class RegisterHostRequest {
  /** Absent or empty: an id is made. */
  @Text({ optional: true, nullable: true, maxLength: ID })
  hostId: string | null = null;

  /** For people. */
  @Text({ maxLength: ID, example: 'workstation' })
  name!: string;

  /** What its jobs may ask for. */
  @TextList({ optional: true, nullable: true, maxItems: MOST, maxLength: ID })
  capabilities: string[] | null = null;

  /** Jobs that it runs at once. */
  @Integer({ optional: true, nullable: true, min: 1, max: 10_000 })
  maxParallel: number | null = null;

  /** Jobs that it still runs; others that it holds are taken back. Absent: none. */
  @TextList({ optional: true, nullable: true, maxItems: 10_000, maxLength: ID })
  activeJobs: string[] | null = null;

  /** Processes of services that it still runs. Absent: it does not say, and its claims hand it all that it had to start. */
  @ListOf(() => ActiveServiceEntry, { optional: true, nullable: true, maxItems: 10_000 })
  activeServices: ActiveServiceEntry[] | null = null;

  /** Its own limit, in milliseconds, for jobs that name none. */
  @Integer({ optional: true, nullable: true, min: 1_000, max: DAY_MS })
  defaultTimeoutMs: number | null = null;
}

export class HostHeartbeatRequest {
  /** Shown as `reportedActiveLeases`, and not trusted. */
  @Integer({ optional: true, nullable: true, min: 0, max: 1_000_000 })
  activeLeases: number | null = null;

  /** Jobs whose leases are renewed; absent: all that the host holds. */
  @TextList({ optional: true, nullable: true, maxItems: 10_000, maxLength: ID })
  activeJobs: string[] | null = null;

  /** Processes of services that it runs: makes what must end exact. Absent: it does not say. */
  @ListOf(() => ActiveServiceEntry, { optional: true, nullable: true, maxItems: 10_000 })
  activeServices: ActiveServiceEntry[] | null = null;

  /** What it can do from now on; absent: as before. */
  @TextList({ optional: true, nullable: true, maxItems: MOST, maxLength: ID })
  capabilities: string[] | null = null;
}

export class HostOrderRequest {
  /** Why, for those who look. */
  @Text({ optional: true, maxLength: 2_000 })
  reason = '';
}

export class DrainHostRequest extends HostOrderRequest {
  /** Milliseconds after which what is left is taken from the host; absent: it waits for as long as it takes. */
  @Integer({ optional: true, nullable: true, min: 0, max: 30 * DAY_MS })
  deadlineMs: number | null = null;
}

export class ListHostsQuery {
  /** How many at most; 0 for none, negative or above 1000 for 1000. */
  @Integer({ optional: true, min: -1_000_000, max: 1_000_000 })
  limit = 200;

  /** `next_cursor` of the page before. */
  @Text({ optional: true, nullable: true, maxLength: 1_000 })
  cursor: string | null = null;
}

export class HostResponse {
  @ApiProperty({ type: Object, description: 'The host.' })
  host!: Host;
}

export class RegisterHostResponse extends HostResponse {
  @ApiProperty({
    required: false,
    description:
      'With `SKYCLAW_HOST_AUTH`: its new credential, shown this once, to be sent as `x-skyclaw-host-token`.',
  })
  hostToken?: string;
}

export class HostHeartbeatResponse extends HostResponse {
  @ApiProperty({ type: [String], description: 'Services of which no process on this host may go on.' })
  stopServices!: readonly string[];

  @ApiProperty({
    type: [ActiveServiceEntry],
    description: 'Single processes of services of which others on this host go on.',
  })
  stopReplicas!: readonly ActiveServiceEntry[];

  @ApiProperty({ type: [String], description: 'Jobs of `activeJobs` that it does not hold any more.' })
  stopJobs!: readonly string[];
}

export class HostListResponse {
  @ApiProperty({ type: [Object], description: 'Oldest first.' })
  hosts!: Host[];

  @ApiProperty({ required: false, description: 'Absent on the last page.' })
  next_cursor?: string;
}
