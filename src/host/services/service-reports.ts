import { type ReportServiceRequest } from '../../contracts/skyclaw.js';
import { type Logger } from '../../platform/logging/logger.js';
import { newKey } from '../coordinator/coordinator-client.js';
import { type Deliverer, type Delivery } from '../coordinator/delivery.js';

/** Tells the coordinator about services: each report until it is answered, those of one service in their order. */
export class ServiceReports {
  private readonly queues = new Map<string, Promise<unknown>>();
  private readonly stopping = new AbortController();

  constructor(
    private readonly deliverer: Deliverer,
    private readonly logger: Logger,
  ) {}

  /** Sends a report after the earlier ones of the service. Undefined when the daemon ends before it is answered. */
  send(serviceId: string, report: ReportServiceRequest): Promise<Delivery | undefined> {
    const before = this.queues.get(serviceId) ?? Promise.resolve();
    const delivery = before.then(() => this.deliver(serviceId, report));
    this.queues.set(serviceId, delivery);
    void delivery.finally(() => {
      if (this.queues.get(serviceId) === delivery) this.queues.delete(serviceId);
    });
    return delivery;
  }

  /** Waits until all reports are answered, but no longer than `limitMs`. */
  async drain(limitMs: number): Promise<void> {
    const timer = setTimeout(() => this.stopping.abort(), limitMs);
    await Promise.all(this.queues.values());
    clearTimeout(timer);
  }

  private async deliver(serviceId: string, report: ReportServiceRequest): Promise<Delivery | undefined> {
    const path = `/v1/services/${encodeURIComponent(serviceId)}/report`;
    const { signal } = this.stopping;
    try {
      const delivery = await this.deliverer.deliver({ path, body: report, key: newKey() }, signal);
      if (delivery.kind === 'refused') {
        this.logger.warn(
          { serviceId, status: report.status, reason: delivery.refusal.message },
          'The coordinator does not take a report of a service.',
        );
      }
      return delivery;
    } catch (error) {
      if (!signal.aborted) throw error;
      this.logger.warn({ serviceId, status: report.status }, 'A report of a service is not delivered.');
      return undefined;
    }
  }
}
