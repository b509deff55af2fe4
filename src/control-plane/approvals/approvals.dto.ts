import { ApiProperty } from '@nestjs/swagger';
import { OneOf } from '../../platform/http/fields.js';

/** An answer to a gateway that asks whether it may run a command. */
export class AnswerApprovalRequest {
  /** Whether the command may run, this once. */
  @OneOf(['allow-once', 'deny'], { example: 'allow-once' })
  decision!: string;
}

/** A command that a gateway wants to have allowed. */
export class ApprovalView {
  /** The task. */
  task_id!: string;
  /** What the gateway calls its request. */
  approval_id!: string;
  /** The gateway that asks. */
  gateway_id!: string;
  /** The command. */
  command!: string;
  /** The folder that it would run in. */
  cwd!: string;
  /** The answers that the gateway takes. */
  decisions!: string[];
  /** When it was asked. */
  @ApiProperty({ type: 'string', format: 'date-time' })
  requested_at!: string;
  /** When the gateway stops waiting; null when it does not say. */
  @ApiProperty({ type: 'string', format: 'date-time', nullable: true })
  expires_at!: string | null;
  /** The answer; `lapsed` when the gateway no longer waited for one; null while it waits. */
  @ApiProperty({ type: 'string', nullable: true })
  decision!: string | null;
}

export class ApprovalsResponse {
  /** Requests of the task, those that wait first, then the newest; 200 at most. */
  approvals!: ApprovalView[];
}

export class ApprovalResponse {
  /** The request, with its answer. */
  approval!: ApprovalView;
}
