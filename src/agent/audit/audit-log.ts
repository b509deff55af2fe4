import { appendFile, mkdir, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type ActionRequestFrame } from '../../contracts/agent-socket.js';
import { type Logger } from '../../platform/logging/logger.js';
import { Turns } from '../../platform/turns.js';
import { type Decision } from '../actions/action-desk.js';
import { masked } from './domain/masked.js';

export interface AuditLogOptions {
  readonly path: string;
  readonly logger: Logger;
  /** A file that has grown beyond it is put aside. */
  readonly maxBytes?: number;
  /** How many files that were put aside are kept. */
  readonly keep?: number;
}

/**
 * What this agent was asked for and what it did: a line of JSON for each request, without contents and secrets. The newest
 * lines are in `path`, older ones in `path.1`, `path.2` and so on.
 */
export class AuditLog {
  private readonly path: string;
  private readonly logger: Logger;
  private readonly maxBytes: number;
  private readonly keep: number;
  /** One line at a time, so that none is written into another and each in the order of the decisions. */
  private readonly turns = new Turns(1);

  constructor({ path, logger, maxBytes = 10 * 1_048_576, keep = 5 }: AuditLogOptions) {
    this.path = path;
    this.logger = logger;
    this.maxBytes = maxBytes;
    this.keep = keep;
  }

  /** Notes what became of a request. A line that cannot be written is an error in the log, and stops nothing. */
  async note(request: ActionRequestFrame, decision: Decision, ms: number): Promise<void> {
    const line = JSON.stringify({
      at: new Date().toISOString(),
      request_id: request.request_id,
      task_id: request.task_id,
      idempotency_key: request.idempotency_key,
      action: request.action,
      params: masked(request.params),
      confirmed: request.confirmed,
      ...fieldsOf(decision),
      ms: Math.round(ms),
    });
    try {
      await this.turns.run(() => this.append(`${line}\n`));
    } catch (error) {
      this.logger.error({ err: error, action: request.action }, 'The audit log cannot be written.');
    }
  }

  private async append(line: string): Promise<void> {
    await mkdir(dirname(this.path), { recursive: true, mode: 0o700 });
    if ((await sizeOf(this.path)) + Buffer.byteLength(line) > this.maxBytes) await this.rotate();
    await appendFile(this.path, line, { mode: 0o600 });
  }

  private async rotate(): Promise<void> {
    await rm(`${this.path}.${this.keep}`, { force: true });
    for (let number = this.keep; number > 0; number--) {
      const from = number === 1 ? this.path : `${this.path}.${number - 1}`;
      if ((await sizeOf(from)) > 0) await rename(from, `${this.path}.${number}`);
    }
  }
}

function fieldsOf(decision: Decision): object {
  switch (decision.kind) {
    case 'executed':
      return {
        decision: decision.replay ? 'replayed' : 'executed',
        returncode: decision.result.returncode,
      };
    case 'refused':
    case 'not-executed':
    case 'interrupted':
      return { decision: decision.kind, error: decision.error.slice(0, 500) };
  }
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0;
    throw error;
  }
}
