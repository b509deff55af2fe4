import {
  ActionRunner,
  type ActionsConfig,
  type Answer,
  type Background,
  type Execution,
} from '../../actions/index.js';
import { productVersion } from '../../platform/product-version.js';
import { type Executor, type Session } from './executor.js';

/** Executes actions on the gateway's own machine, inside of the allowed roots. Without roots it is never ready. */
export class LocalExecutor implements Executor {
  readonly name = 'local';
  readonly id = 'local';
  private readonly startedAt = new Date();
  private readonly runner: ActionRunner;

  constructor(
    private readonly roots: readonly string[],
    env: Readonly<Record<string, string | undefined>>,
    config: ActionsConfig,
  ) {
    this.runner = new ActionRunner({ roots, env, config });
  }

  isReady(): boolean {
    return this.roots.length > 0;
  }

  get background(): Background {
    return this.runner.background;
  }

  isRepeatable(action: string): boolean {
    return this.runner.isRepeatable(action);
  }

  sessions(): readonly Session[] {
    if (!this.isReady()) return [];
    return [
      {
        sessionId: this.name,
        agentVersion: productVersion,
        capabilities: this.runner.capabilities,
        connectedAt: this.startedAt,
        lastSeen: new Date(),
      },
    ];
  }

  refusalOf(execution: Execution): Promise<string | null> {
    return this.runner.refusalOf(execution);
  }

  run(execution: Execution, signal: AbortSignal): Promise<Answer> {
    return this.runner.run(execution, signal);
  }
}
