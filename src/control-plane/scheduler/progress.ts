import { type Database } from '../../platform/database/database.js';
import { type Logger } from '../../platform/logging/logger.js';
import { type ApprovalsService } from '../approvals/index.js';
import { type ApprovalRequest, type ExecutionWatcher } from '../gateway-client/index.js';
import { type ClaimProof, type TaskNotes } from '../ledger/index.js';
import { TextStream } from './domain/text-stream.js';

export interface ProgressParts {
  readonly database: Database;
  readonly notes: TaskNotes;
  readonly approvals: ApprovalsService;
  readonly logger: Logger;
}

/** Writes down what an execution tells while it goes on, one thing after the other. What cannot be written is left out. */
export class Progress implements ExecutionWatcher {
  private readonly stream = new TextStream();
  private timer: NodeJS.Timeout | undefined;
  private writing: Promise<void> = Promise.resolve();

  constructor(
    private readonly proof: ClaimProof,
    private readonly gatewayId: string,
    private readonly parts: ProgressParts,
  ) {}

  text(delta: string): void {
    this.stream.add(delta);
    const pauseMs = this.stream.pauseMs;
    if (pauseMs !== null) this.timer ??= setTimeout(() => this.tellText(), pauseMs);
  }

  approvalRequested(request: ApprovalRequest): void {
    this.write(() => this.parts.approvals.requested(this.proof, this.gatewayId, request));
  }

  approvalResolved(approvalId: string, decision: string): void {
    this.write(() => this.parts.approvals.resolved(this.proof.taskId, approvalId, decision));
  }

  /** Nothing more will come: returns when what has come is written. */
  async end(): Promise<void> {
    clearTimeout(this.timer);
    await this.writing;
  }

  private tellText(): void {
    this.timer = undefined;
    const piece = this.stream.take();
    if (piece === null) return;
    const { skipped, ...payload } = piece;
    this.write(async () => {
      await this.parts.notes.add(this.parts.database, this.proof, {
        type: 'turn_text',
        message: 'The agent is writing.',
        payload: skipped === 0 ? payload : { ...payload, skipped },
      });
    });
  }

  private write(work: () => Promise<unknown>): void {
    this.writing = this.writing
      .then(work)
      .then(() => undefined)
      .catch((error: unknown) => {
        this.parts.logger.warn({ err: error }, 'The progress of a task could not be written.');
      });
  }
}
