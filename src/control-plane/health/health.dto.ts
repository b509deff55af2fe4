import { ApiProperty } from '@nestjs/swagger';

export class ComponentsView {
  /** The registry of gateways and workers. */
  control_registry!: string;
  /** The prober and the client that talks to gateways. */
  gateway_client!: string;
  /** The ledger. */
  task_queue!: string;
  /** The dispatcher; `not_running` when it is switched off. */
  control_scheduler!: string;
  /** The reaper; `not_running` when it is switched off. */
  stale_lock_reaper!: string;
}

export class HealthResponse {
  /** `ok` when every component is ok, else `degraded`. */
  @ApiProperty({ enum: ['ok', 'degraded'] })
  status!: string;
  /** The version of the program. */
  version!: string;
  /** How each part is: its last pass or check succeeded within three periods, or not. */
  components!: ComponentsView;
}

export class ReadyResponse {
  /** Always `ok`; a replica that is not ready answers 503. */
  status!: string;
}
