import { type Logger } from '../../platform/logging/logger.js';
import { everyInterval } from '../../platform/loops/interval-clock.js';
import { Loop } from '../../platform/loops/loop.js';
import { isHealthyAnswer } from '../domain/health.js';
import { type Endpoint } from '../services/endpoint.js';
import { type RoutedService } from '../services/routed-service.js';
import { type ServiceTable } from '../services/service-table.js';

export interface ProbeOptions {
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** Of services that name none. */
  readonly healthPath: string;
  readonly cooldownMs: number;
}

/** Probes under way at once. */
const AT_ONCE = 32;

/** Asks every endpoint how it does: no answer or a 5xx ejects it, any other answer ends an ejection. */
export class ProbeLoop extends Loop {
  constructor(
    private readonly table: ServiceTable,
    private readonly options: ProbeOptions,
    logger: Logger,
  ) {
    super({ name: 'probe', intervalMs: options.intervalMs, logger }, everyInterval);
  }

  protected async runOnce(signal: AbortSignal): Promise<void> {
    const probes = [...this.table.services].flatMap((service) =>
      service.endpoints.map((endpoint) => ({ service, endpoint })),
    );
    const take = async () => {
      for (let next = probes.pop(); next !== undefined && !signal.aborted; next = probes.pop()) {
        await this.probe(next.service, next.endpoint);
      }
    };
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, probes.length) }, take));
  }

  private async probe(service: RoutedService, endpoint: Endpoint): Promise<void> {
    const { healthPath, timeoutMs, cooldownMs } = this.options;
    const answer = await endpoint.probe(service.probedPath(healthPath), timeoutMs).catch(asReason);
    // It may have left the list meanwhile.
    if (!service.endpoints.includes(endpoint)) return;
    const about = { service: service.name, endpoint: endpoint.address.origin, answer };
    if (typeof answer === 'number' && isHealthyAnswer(answer)) {
      if (endpoint.health.recover(performance.now()))
        this.logger.info(about, 'An endpoint is healthy again.');
    } else if (endpoint.health.fail(performance.now(), cooldownMs)) {
      service.figures.ejections++;
      this.logger.warn(about, 'An endpoint failed its probe and is skipped.');
    }
  }
}

function asReason(error: unknown): string {
  return error instanceof Error ? ((error as NodeJS.ErrnoException).code ?? error.message) : String(error);
}
