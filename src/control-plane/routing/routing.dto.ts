import { ApiProperty } from '@nestjs/swagger';
import { AnyObject, Flag, Text } from '../../platform/http/fields.js';

/** An action to execute now. */
export class RouteTaskRequest {
  /** What the gateway is asked to do. */
  @Text({ minLength: 1, maxLength: 200, example: 'git_status' })
  action!: string;

  /** What the action needs. */
  @AnyObject({ optional: true, example: { working_dir: '/srv/project' } })
  params: Record<string, unknown> = {};

  /** The gateway that is preferred. */
  @Text({ optional: true, nullable: true, maxLength: 200 })
  gateway_id: string | null = null;

  /** An id for the call. Left out or empty, one is made. */
  @Text({ optional: true, nullable: true, maxLength: 200 })
  task_id: string | null = null;

  /** Whether an action that wants confirmation has it. */
  @Flag({ optional: true })
  confirmed = true;

  /** Whether no gateway but `gateway_id` may be asked. */
  @Flag({ optional: true })
  gateway_strict = false;
}

export class RouteTaskResponse {
  /** The id of the call. */
  task_id!: string;
  /** The gateway that executed it. */
  gateway_id!: string;
  /** Where that gateway listens. */
  gateway_host!: string;
  /** What the gateway says of the result, or `unknown`. */
  status!: string;
  /** The gateway's whole answer. */
  @ApiProperty({ type: 'object', additionalProperties: true })
  result!: Record<string, unknown>;
}
