import { ApiProperty } from '@nestjs/swagger';
import { Integer } from '../../platform/http/fields.js';
import { GatewayView } from '../registry/index.js';
import { drainStates } from './domain/drain.js';
import { PauseRequest } from './pauses.dto.js';

const MONTH_SECONDS = 30 * 86_400;

/** An operator's word that a gateway is to be emptied. */
export class DrainGatewayRequest extends PauseRequest {
  /** Seconds from now on by which it should be empty; left out or null: it takes as long as it takes. */
  @Integer({ optional: true, nullable: true, min: 0, max: MONTH_SECONDS, example: 600 })
  deadline_seconds: number | null = null;
}

/** The call that would give an execution up. */
export class GiveUpCall {
  /** The method. */
  @ApiProperty({ enum: ['POST'] })
  method!: string;
  /** The path, ready to be called. */
  @ApiProperty({ example: '/v1/tasks/build/cancel' })
  path!: string;
  /** The body. */
  @ApiProperty({ type: 'object', additionalProperties: true, example: { reason: 'The gateway is drained.' } })
  body!: Record<string, unknown>;
}

/** A task that the gateway may be executing. */
export class OpenExecutionView {
  /** The task. */
  task_id!: string;
  /** `running` and `claimed`: a dispatcher holds it; `released`, `queued`: its outcome is not known, and no other gateway is asked. */
  status!: string;
  /** Since when a dispatcher holds it; null when none does. */
  @ApiProperty({ type: 'string', format: 'date-time', nullable: true })
  since!: string | null;
  /** Ends the task as failed, whatever the gateway does; a retry is then a new execution, on any gateway. */
  give_up!: GiveUpCall;
}

/** How far a gateway has come that is drained. */
export class GatewayDrain {
  /** Since when. */
  @ApiProperty({ type: 'string', format: 'date-time' })
  since!: string;
  /** By when it should be empty; null when it takes as long as it takes. */
  @ApiProperty({ type: 'string', format: 'date-time', nullable: true })
  deadline!: string | null;
  /** What the operator said. */
  reason!: string;
  /** Tasks that it may be executing, counted up to 20000. */
  @ApiProperty({ type: 'integer' })
  in_flight!: number;
  /** `drained`: nothing is left. `overdue`: the deadline has passed, and something is. */
  @ApiProperty({ enum: drainStates })
  state!: string;
  /** What is left when it is overdue, the oldest 100: it is never run elsewhere unless somebody gives it up. */
  open!: OpenExecutionView[];
}

export class GatewayDetail extends GatewayView {
  /** Its drain; null when it is not drained. */
  @ApiProperty({ type: GatewayDrain, nullable: true })
  drain!: GatewayDrain | null;
}
