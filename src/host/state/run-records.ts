import { type Logger } from '../../platform/logging/logger.js';
import { record } from '../domain/record.js';
import { type ProcessIdentity } from '../../platform/processes/process-identity.js';
import { type StateDir } from '../../platform/state-dir/state-dir.js';

const FOLDER = 'runs';

/** What is noted down of a service's process, so that a later life can go on with it. */
export interface ServiceNote {
  readonly port: number;
  readonly endpoint: string;
  /** Tells the replicas of one service on one host apart. */
  readonly slot: number;
  readonly generation: number;
  readonly restarts: number;
  readonly healthPath: string | undefined;
  readonly isReady: boolean;
  /** How much of its output has been shipped. */
  readonly shipped: { readonly seq: number; readonly stdout: number; readonly stderr: number };
}

/** A run: one process of a job or a service, with all that it starts. */
export interface RunRecord {
  readonly runId: string;
  readonly kind: 'job' | 'service';
  /** Of the job or the service. */
  readonly id: string;
  /** Absent in the moment before it is started. */
  readonly process?: ProcessIdentity;
  /** The container it runs in. */
  readonly container?: string;
  readonly service?: ServiceNote;
}

/** What runs, on disk: written before a process starts, gone when nothing of it is left. */
export class RunRecords {
  constructor(
    private readonly state: StateDir,
    private readonly logger: Logger,
  ) {}

  /** Notes down a run that is about to start. Throws when that is impossible: nobody would find it after a crash. */
  create(run: RunRecord): void {
    this.state.write(run, FOLDER, `${run.runId}.json`);
  }

  /** Notes down what has become of a run. It goes on when that is impossible, and the log says so. */
  update(run: RunRecord): void {
    try {
      this.state.write(run, FOLDER, `${run.runId}.json`);
    } catch (error) {
      this.logger.error({ err: error, id: run.id }, 'What has become of a run cannot be noted down.');
    }
  }

  remove(runId: string): void {
    this.state.remove(FOLDER, `${runId}.json`);
  }

  /** What an earlier life has left; records that cannot be read are left out. */
  all(): readonly RunRecord[] {
    return this.state
      .list(FOLDER)
      .filter((name) => name.endsWith('.json'))
      .map((name) => this.state.read(FOLDER, name))
      .filter(isRunRecord);
  }
}

function isRunRecord(value: unknown): value is RunRecord {
  const { runId, kind, id, process, service } = record(value);
  const isService = kind === 'service' && typeof record(service)['port'] === 'number';
  const isProcess = process === undefined || typeof record(process)['startedAt'] === 'string';
  return typeof runId === 'string' && typeof id === 'string' && isProcess && (kind === 'job' || isService);
}
