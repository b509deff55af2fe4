import { counters, gauges, histograms, type Sample } from '../../platform/metrics/exposition.js';
import { type RoutedService } from '../services/routed-service.js';
import { type ServiceTable } from '../services/service-table.js';
import { LATENCY_BOUNDS_S } from './service-figures.js';

export interface MetricsSources {
  readonly table: ServiceTable;
  readonly inFlight: number;
  /** By status. */
  readonly refusals: ReadonlyMap<number, number>;
  readonly webSockets: number;
  readonly refreshFailures: number;
}

const CODES = ['none', '1xx', '2xx', '3xx', '4xx', '5xx'];

/** All figures of the gateway. Its series are as many as the list has services, each with a fixed number. */
export function metricsText(sources: MetricsSources): string {
  const { table, inFlight, refusals, webSockets, refreshFailures } = sources;
  const nowMs = performance.now();
  const services = [...table.services];
  const each = (value: (service: RoutedService) => number): Sample[] =>
    services.map((service) => ({ labels: { service: service.name }, value: value(service) }));
  const healthy = ({ endpoints }: RoutedService) =>
    endpoints.filter(({ health }) => health.isHealthy(nowMs)).length;
  const ageMs = table.ageMs(nowMs);
  return [
    counters([
      {
        name: 'skyclaw_gateway_requests_total',
        help: 'Requests to a service by the class of their answer; none: the caller had gone before it.',
        samples: services.flatMap(({ name, figures }) =>
          figures.answers.map((value, place) => ({
            labels: { service: name, code: CODES[place] ?? 'other' },
            value,
          })),
        ),
      },
      {
        name: 'skyclaw_gateway_retries_total',
        help: 'Requests that were tried again.',
        samples: each(({ figures }) => figures.retries),
      },
      {
        name: 'skyclaw_gateway_retries_refused_total',
        help: 'Requests that were not tried again because the retry budget was used up.',
        samples: each(({ figures }) => figures.retriesRefused),
      },
      {
        name: 'skyclaw_gateway_ejections_total',
        help: 'How often an endpoint became unhealthy.',
        samples: each(({ figures }) => figures.ejections),
      },
      {
        name: 'skyclaw_gateway_refusals_total',
        help: 'Requests that no service has seen, by the status that they were refused with.',
        samples: [...refusals].map(([status, value]) => ({ labels: { status: String(status) }, value })),
      },
      {
        name: 'skyclaw_gateway_list_refresh_failures_total',
        help: 'Looks at the list of services that failed.',
        samples: [{ labels: {}, value: refreshFailures }],
      },
    ]),
    histograms([
      {
        name: 'skyclaw_gateway_answer_seconds',
        help: 'Time from a request to the head of the answer that a service gave.',
        bounds: LATENCY_BOUNDS_S,
        distributions: services.map(({ name, figures }) => ({
          labels: { service: name },
          counts: figures.latencyCounts,
          sum: figures.latencySumS,
        })),
      },
    ]),
    gauges([
      {
        name: 'skyclaw_gateway_endpoints',
        help: 'Endpoints in the list, by their health.',
        samples: services.flatMap((service) => [
          { labels: { service: service.name, state: 'healthy' }, value: healthy(service) },
          {
            labels: { service: service.name, state: 'unhealthy' },
            value: service.endpoints.length - healthy(service),
          },
        ]),
      },
      {
        name: 'skyclaw_gateway_upstream_connections',
        help: 'Open connections to endpoints in the list.',
        samples: each(({ endpoints }) => endpoints.reduce((sum, endpoint) => sum + endpoint.connections, 0)),
      },
      {
        name: 'skyclaw_gateway_requests_in_flight',
        help: 'Requests that are under way.',
        samples: [{ labels: {}, value: inFlight }],
      },
      {
        name: 'skyclaw_gateway_websockets',
        help: 'Open WebSockets.',
        samples: [{ labels: {}, value: webSockets }],
      },
      {
        name: 'skyclaw_gateway_list_age_seconds',
        help: 'Age of the list of services; without a figure before the first.',
        samples: ageMs === undefined ? [] : [{ labels: {}, value: ageMs / 1_000 }],
      },
    ]),
  ].join('');
}
