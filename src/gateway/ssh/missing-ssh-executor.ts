import { type Executor, type ExecutorAnswer } from '../executors/executor.js';

/** Stands in for SSH when it is the only way and not configured: it takes every action to say so. */
export class MissingSshExecutor implements Executor {
  readonly name = 'ssh';
  readonly id = 'ssh';

  isReady(): boolean {
    return true;
  }

  isRepeatable(): boolean {
    return false;
  }

  sessions(): readonly [] {
    return [];
  }

  refusalOf(): Promise<null> {
    return Promise.resolve(null);
  }

  run(): Promise<ExecutorAnswer> {
    return Promise.resolve({
      kind: 'unanswered',
      httpStatus: 503,
      error: 'SSH tunnel mode is enabled but SSH executor is not configured.',
      outcome: 'not_executed',
    });
  }
}
