import { chooseEndpoint } from '../domain/choose-endpoint.js';
import { RetryBudget } from '../domain/retry-budget.js';
import { type WantedService } from '../domain/service-list.js';
import { type ServiceFigures } from '../metrics/service-figures.js';
import { Endpoint, type EndpointOptions } from './endpoint.js';

const NONE: readonly Endpoint[] = [];

/** A service of the list, with the endpoints that take its requests in turn. */
export class RoutedService {
  readonly budget = new RetryBudget();
  endpoints: readonly Endpoint[] = NONE;
  private healthPath: string | undefined;
  private turn = 0;

  constructor(
    readonly id: string,
    readonly name: string,
    readonly figures: ServiceFigures,
  ) {}

  /** The endpoint whose turn it is; undefined when there are none. */
  choose(nowMs: number, tried: readonly Endpoint[] = NONE): Endpoint | undefined {
    const place = chooseEndpoint(this.endpoints, this.turn, nowMs, tried);
    if (place < 0) return undefined;
    this.turn = (place + 1) % this.endpoints.length;
    return this.endpoints[place];
  }

  /** What is probed of its endpoints. */
  probedPath(fallback: string): string {
    return this.healthPath ?? fallback;
  }

  /** Keeps the endpoints that are still wanted, with all they know, and retires the others. */
  update({ healthPath, endpoints }: WantedService, options: EndpointOptions, graceMs: number): void {
    const before = new Map(this.endpoints.map((endpoint) => [endpoint.key, endpoint]));
    const wanted = new Map(endpoints.map((endpoint) => [endpoint.key, endpoint]));
    this.healthPath = healthPath;
    this.endpoints = [...wanted.values()].map(
      ({ key, address }) => before.get(key) ?? new Endpoint(key, address, options),
    );
    if (this.turn >= this.endpoints.length) this.turn = 0;
    for (const endpoint of before.values()) if (!wanted.has(endpoint.key)) endpoint.retire(graceMs);
  }

  retire(graceMs: number): void {
    for (const endpoint of this.endpoints) endpoint.retire(graceMs);
    this.endpoints = NONE;
  }
}
