import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';

export class LeasedFileBody {
  /** A file, folder or glob, relative to the repository that the action works in. */
  @ApiProperty({ example: 'src/' })
  path!: string;
  /** `write` when the task may change it. */
  @ApiProperty({ enum: ['read', 'write'] })
  mode!: string;
}

/** An action to execute. */
export class ActionBody {
  /** What to do; see docs/actions.md. */
  @ApiProperty({ example: 'file_read' })
  action!: string;
  /** What the action needs. */
  @ApiPropertyOptional({
    type: 'object',
    additionalProperties: true,
    example: { file: '/srv/project/README.md' },
  })
  params!: Record<string, unknown>;
  /** Whether an action that wants confirmation has it; only a literal true counts. */
  @ApiProperty({ required: false, default: false })
  confirmed!: boolean;
  /** The task that this belongs to. */
  @ApiProperty({ required: false })
  task_id!: string;
  /** Names one execution of the task: the same key never runs twice. Needs `task_id`. */
  @ApiProperty({ required: false })
  idempotency_key!: string;
  /** Grows with every claim of the task; lower than one seen before is refused. */
  @ApiProperty({ type: 'integer', required: false })
  lease_number!: number;
  /** What the task has leased: a coding agent is told, and what it writes beyond is reported. Absent: nothing is compared. */
  @ApiProperty({ type: [LeasedFileBody], required: false })
  files!: LeasedFileBody[];
  /** W3C trace context that the action goes on with; the header of that name does as well. One that cannot be read is left out. */
  @ApiProperty({ required: false, example: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' })
  traceparent!: string;
  /** What tracing systems have added to it. */
  @ApiProperty({ required: false })
  tracestate!: string;
}

export class ResultView {
  /** The exit code; -1 when it was killed. */
  @ApiProperty({ type: 'integer' })
  returncode!: number;
  /** At most 8192 characters; of file_read 65536, of zip_project as much as the archive has. */
  stdout!: string;
  /** At most 4096 characters. */
  stderr!: string;
  /** Paths that were written although the lease does not cover them. */
  @ApiProperty({ type: [String], required: false })
  lease_violations!: string[];
}

export class ActionAnswer {
  /** `success`: it ran, with whatever returncode. `error`: it was refused. */
  @ApiProperty({ enum: ['success', 'error'] })
  status!: string;
  /** The action. */
  action!: string;
  /** What came out. */
  @ApiProperty({ required: false })
  result!: ResultView;
  /** Why it was refused. */
  @ApiProperty({ required: false })
  error!: string;
  /** Whether this is the answer of an earlier execution with the same key. */
  @ApiProperty({ required: false })
  idempotent_replay!: boolean;
}

export class StatusView {
  /** Whether an executor is there that can take actions. */
  agent_connected!: boolean;
  /** Whether actions may go through SSH when no agent is connected. */
  ssh_fallback_enabled!: boolean;
  /** Whether that way works. */
  ssh_fallback_healthy!: boolean;
  /** Where that way leads. */
  @ApiProperty({ type: 'string', nullable: true })
  ssh_fallback_target!: string | null;
  /** Which way is taken. */
  @ApiProperty({ enum: ['ssh_tunnel', 'agent_preferred'] })
  execution_mode!: string;
  /** The same in words: `Worker Connected`, `SSH Tunnel Ready`, `SSH Tunnel Configured (unreachable)` or `No worker and no SSH fallback`. */
  execution!: string;
}

export class SessionView {
  /** Names the executor. */
  session_id!: string;
  /** Its version. */
  agent_version!: string;
  /** The actions that it can carry out. */
  capabilities!: string[];
  /** Since when it is there. */
  @ApiProperty({ type: 'string', format: 'date-time' })
  connected_at!: string;
  /** When it was last heard. */
  @ApiProperty({ type: 'string', format: 'date-time' })
  last_seen!: string;
}

export class SessionsView {
  /** Those who can execute actions. */
  sessions!: SessionView[];
}

export class AckView {
  /** What was done. */
  status!: string;
}

export class ErrorView {
  /** What went wrong. */
  error!: string;
  /** Whether the action certainly did not run, or may have. */
  @ApiProperty({ enum: ['not_executed', 'unknown'], required: false })
  outcome!: string;
}
