import { Meter } from '../../platform/metrics/meter.js';
import { metricsText } from '../../platform/metrics/metrics-text.js';
import { processMetrics } from '../../platform/metrics/process-metrics.js';
import { productVersion } from '../../platform/product-version.js';
import { type RoutedService } from '../services/routed-service.js';
import { type ServiceTable } from '../services/service-table.js';

export interface MetricsSources {
  readonly table: ServiceTable;
  readonly inFlight: () => number;
  /** By status. */
  readonly refusals: () => ReadonlyMap<number, number>;
  readonly webSockets: () => number;
  readonly refreshFailures: () => number;
}

const CODES = ['none', '1xx', '2xx', '3xx', '4xx', '5xx'];

/**
 * All figures of the gateway. Requests count in plain numbers beside their service, and are read when somebody looks: so a
 * service that leaves the list takes its series with it, and there are as many as the list has services, each with a
 * fixed number.
 */
export class GatewayMetrics {
  private readonly meter = new Meter();

  constructor(private readonly sources: MetricsSources) {
    this.showRequests();
    this.showEndpoints();
    this.showGateway();
  }

  /** In the text format of Prometheus. */
  text(): Promise<string> {
    return metricsText(this.meter.registry, processMetrics());
  }

  private showRequests(): void {
    this.meter.readCounters(
      'skyclaw_gateway_requests_total',
      'Requests to a service by the class of their answer; none: the caller had gone before it.',
      ['service', 'code'],
      () =>
        this.services.flatMap(({ name, figures }) =>
          figures.answers.map(
            (count, place) => [{ service: name, code: CODES[place] ?? 'other' }, count] as const,
          ),
        ),
    );
    this.countEach(
      'skyclaw_gateway_retries_total',
      'Requests that were tried again.',
      ({ figures }) => figures.retries,
    );
    this.countEach(
      'skyclaw_gateway_retries_refused_total',
      'Requests that were not tried again because the retry budget was used up.',
      ({ figures }) => figures.retriesRefused,
    );
    this.meter.readSpreads(
      'skyclaw_gateway_answer_seconds',
      'Time from a request to the head of the answer that a service gave.',
      () => this.services.map(({ name, figures }) => [{ service: name }, figures.latency] as const),
    );
  }

  private showEndpoints(): void {
    this.countEach(
      'skyclaw_gateway_ejections_total',
      'How often an endpoint became unhealthy.',
      ({ figures }) => figures.ejections,
    );
    this.meter.readGauges(
      'skyclaw_gateway_endpoints',
      'Endpoints in the list, by their health.',
      ['service', 'state'],
      () => {
        const nowMs = performance.now();
        return this.services.flatMap(({ name, endpoints }) => {
          const healthy = endpoints.filter(({ health }) => health.isHealthy(nowMs)).length;
          return [
            [{ service: name, state: 'healthy' }, healthy] as const,
            [{ service: name, state: 'unhealthy' }, endpoints.length - healthy] as const,
          ];
        });
      },
    );
    this.meter.gauges(
      'skyclaw_gateway_upstream_connections',
      'Open connections to endpoints in the list.',
      'service',
      () =>
        this.services.map(
          ({ name, endpoints }) =>
            [name, endpoints.reduce((sum, endpoint) => sum + endpoint.connections, 0)] as const,
        ),
    );
  }

  private showGateway(): void {
    const { table, inFlight, refusals, webSockets, refreshFailures } = this.sources;
    this.meter.gauges('skyclaw_gateway_build_info', 'Always 1; the label says what runs.', 'version', () => [
      [productVersion, 1],
    ]);
    this.meter.readCounters(
      'skyclaw_gateway_refusals_total',
      'Requests that no service has seen, by the status that they were refused with.',
      ['status'],
      () => [...refusals()].map(([status, count]) => [{ status: String(status) }, count] as const),
    );
    this.meter.readCounters(
      'skyclaw_gateway_list_refresh_failures_total',
      'Looks at the list of services that failed.',
      [],
      () => [[{}, refreshFailures()]],
    );
    this.meter.gauge('skyclaw_gateway_requests_in_flight', 'Requests that are under way.', inFlight);
    this.meter.gauge('skyclaw_gateway_websockets', 'Open WebSockets.', webSockets);
    this.meter.gauge(
      'skyclaw_gateway_list_age_seconds',
      'Age of the list of services; without a figure before the first.',
      () => {
        const ageMs = table.ageMs(performance.now());
        return ageMs === undefined ? undefined : ageMs / 1_000;
      },
    );
  }

  private countEach(name: string, help: string, count: (service: RoutedService) => number): void {
    this.meter.readCounters(name, help, ['service'], () =>
      this.services.map((service) => [{ service: service.name }, count(service)] as const),
    );
  }

  private get services(): readonly RoutedService[] {
    return [...this.sources.table.services];
  }
}
