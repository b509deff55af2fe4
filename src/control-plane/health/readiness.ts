import {
  type BeforeApplicationShutdown,
  Inject,
  Injectable,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { HealthIndicatorService, type HealthIndicatorResult } from '@nestjs/terminus';
import { Database } from '../../platform/database/database.js';
import { statement } from '../../platform/database/statement.js';
import { type ControlPlaneConfig } from '../config.js';
import { type ComponentName, components, CONFIG, HealthRegistry } from '../runtime/index.js';

const PING = statement('health.ping', 'select 1 as ok');
const PING_LIMIT_MS = 1_000;

/** Whether this replica should be sent requests: started, not leaving, the database answers, the loops turn. */
@Injectable()
export class Readiness implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private phase: 'starting' | 'serving' | 'draining' = 'starting';
  private asking: Promise<boolean> | undefined;

  constructor(
    private readonly database: Database,
    private readonly health: HealthRegistry,
    private readonly indicators: HealthIndicatorService,
    @Inject(CONFIG) private readonly config: ControlPlaneConfig,
  ) {}

  onApplicationBootstrap(): void {
    this.phase = 'serving';
  }

  beforeApplicationShutdown(): void {
    this.phase = 'draining';
  }

  started(): HealthIndicatorResult {
    const check = this.indicators.check('startup');
    return this.phase === 'starting' ? check.down({ phase: this.phase }) : check.up();
  }

  serving(): HealthIndicatorResult {
    const check = this.indicators.check('replica');
    return this.phase === 'serving' ? check.up() : check.down({ phase: this.phase });
  }

  async databaseAnswers(): Promise<HealthIndicatorResult> {
    const check = this.indicators.check('database');
    return (await this.hasDatabase())
      ? check.up()
      : check.down({ message: `The database does not answer within ${PING_LIMIT_MS} ms.` });
  }

  /** Whether the database answers within a second. Callers at the same moment share one question. */
  hasDatabase(): Promise<boolean> {
    this.asking ??= this.ask().finally(() => (this.asking = undefined));
    return this.asking;
  }

  private async ask(): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined;
    const tooLate = new Promise<boolean>((resolve) => {
      timer = setTimeout(() => resolve(false), PING_LIMIT_MS);
    });
    try {
      return await Promise.race([this.database.query(PING).then(() => true), tooLate]);
    } catch {
      return false;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Whether it is started, not leaving, and its loops turn: all of readiness but the database. */
  get isServing(): boolean {
    return this.phase === 'serving' && this.late().length === 0;
  }

  loopsTurn(): HealthIndicatorResult {
    const check = this.indicators.check('loops');
    const late = this.late();
    return late.length === 0 ? check.up() : check.down({ late });
  }

  private late(): ComponentName[] {
    return components.filter((name) => this.isWanted(name) && this.health.stateOf(name) !== 'ok');
  }

  private isWanted(name: ComponentName): boolean {
    if (name === 'control_scheduler') return this.config.scheduler.enabled;
    if (name === 'stale_lock_reaper') return this.config.reaper.enabled;
    // Seeding may take a while, and a replica without a prober can still serve.
    return name !== 'gateway_client';
  }
}
