import { Inject, Injectable } from '@nestjs/common';
import { Database } from '../../platform/database/database.js';
import { isUnavailable } from '../../platform/database/errors.js';
import { type Logger } from '../../platform/logging/logger.js';
import { ScheduleClock } from '../../platform/loops/schedule-clock.js';
import { Meter } from '../../platform/metrics/meter.js';
import { metricsText } from '../../platform/metrics/metrics-text.js';
import { processMetrics } from '../../platform/metrics/process-metrics.js';
import { within } from '../../platform/within.js';
import { Readiness } from '../health/index.js';
import { RegistryService } from '../registry/index.js';
import { LOGGER } from '../runtime/index.js';
import { countGateways, type GatewayCounts, showGateways } from './gateway-facts.js';
import { findLedgerFacts, type LedgerFacts, showLedgerFacts } from './ledger-facts.js';
import { showReplicaFacts } from './replica-facts.js';

/** A look that takes longer is left to itself, and its figures are not shown: monitoring waits some ten seconds for all. */
const LOOK_LIMIT_MS = 4_000;

interface Look {
  readonly isDatabaseUp: boolean;
  readonly ledger: LedgerFacts | undefined;
  readonly gateways: GatewayCounts | undefined;
  readonly seconds: number;
}

/**
 * All metrics of this replica: what its parts have counted, what is true of the whole ledger and registry at this moment,
 * and the process. It answers without its database as well; what only the database knows is left out then.
 */
@Injectable()
export class MetricsService {
  private showing: Promise<string> | undefined;
  private looking: Promise<Pick<Look, 'ledger' | 'gateways'>> | undefined;
  private found: Look | undefined;

  constructor(
    private readonly meter: Meter,
    private readonly database: Database,
    private readonly registry: RegistryService,
    private readonly readiness: Readiness,
    clock: ScheduleClock,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {
    showReplicaFacts(meter, { database, loops: clock.loops });
    meter.gauge(
      'skynet_replica_ready',
      '1 when this replica should be sent requests, as /readyz says.',
      () => (this.found?.isDatabaseUp === true && this.readiness.isServing ? 1 : 0),
    );
    meter.gauge('skynet_database_up', '1 when the database answers this replica within a second.', () =>
      this.found?.isDatabaseUp === true ? 1 : 0,
    );
    meter.gauge(
      'skynet_look_seconds',
      'How long this replica took to look at the ledger and the registry for these metrics.',
      () => this.found?.seconds,
    );
    showLedgerFacts(meter, () => this.found?.ledger);
    showGateways(meter, () => this.found?.gateways);
  }

  /** All metrics as text. Callers at the same moment share one look. */
  show(): Promise<string> {
    this.showing ??= this.text().finally(() => (this.showing = undefined));
    return this.showing;
  }

  private async text(): Promise<string> {
    const beganMs = performance.now();
    // One that was too slow for the last caller is still under way: there is never a second beside it.
    this.looking ??= this.look().finally(() => (this.looking = undefined));
    const [isDatabaseUp, facts] = await Promise.all([
      this.readiness.hasDatabase(),
      within(LOOK_LIMIT_MS, this.looking),
    ]);
    const seconds = (performance.now() - beganMs) / 1_000;
    this.found = { isDatabaseUp, ledger: facts?.ledger, gateways: facts?.gateways, seconds };
    return metricsText(this.meter.registry, processMetrics());
  }

  private async look(): Promise<Pick<Look, 'ledger' | 'gateways'>> {
    try {
      const ledger = await findLedgerFacts(this.database);
      return { ledger, gateways: countGateways(await this.registry.listGateways()) };
    } catch (error) {
      const level = isUnavailable(error) ? 'debug' : 'warn';
      this.logger[level]({ err: error }, 'The ledger could not be looked at for its metrics.');
      return { ledger: undefined, gateways: undefined };
    }
  }
}
