import { type WantedService } from '../domain/service-list.js';
import { ServiceFigures } from '../metrics/service-figures.js';
import { type EndpointOptions } from './endpoint.js';
import { RoutedService } from './routed-service.js';

export interface ServiceTableOptions extends EndpointOptions {
  /** How long what is under way at an endpoint that has left the list may go on. */
  readonly retireGraceMs: number;
}

/** The services of the last good list, by id and by name. Before the first list there is none. */
export class ServiceTable {
  private byId = new Map<string, RoutedService>();
  private byKey = new Map<string, RoutedService>();
  private listedAt: number | undefined;

  constructor(private readonly options: ServiceTableOptions) {}

  get isLoaded(): boolean {
    return this.listedAt !== undefined;
  }

  /** How old the list is; undefined before the first. */
  ageMs(nowMs: number): number | undefined {
    return this.listedAt === undefined ? undefined : nowMs - this.listedAt;
  }

  /** By id, else by name. */
  find(key: string): RoutedService | undefined {
    return this.byKey.get(key);
  }

  get services(): Iterable<RoutedService> {
    return this.byId.values();
  }

  /** All ids and names, sorted. */
  get keys(): readonly string[] {
    return [...this.byKey.keys()].sort();
  }

  /** Takes a list over: what is still there keeps its connections and its health, what is gone is retired. */
  apply(list: readonly WantedService[], nowMs: number): void {
    const byId = new Map(list.map((wanted) => [wanted.id, this.updated(wanted)]));
    for (const [id, service] of this.byId) {
      if (byId.get(id) !== service) service.retire(this.options.retireGraceMs);
    }
    this.byId = byId;
    const services = [...byId.values()];
    this.byKey = new Map([
      ...services.map((service) => [service.name, service] as const),
      ...services.map((service) => [service.id, service] as const),
    ]);
    this.listedAt = nowMs;
  }

  /** Ends every connection at once. */
  cut(): void {
    for (const { endpoints } of this.services) for (const endpoint of endpoints) endpoint.cut();
  }

  private updated(wanted: WantedService): RoutedService {
    const known = this.byId.get(wanted.id);
    const service =
      known?.name === wanted.name ? known : new RoutedService(wanted.id, wanted.name, new ServiceFigures());
    service.update(wanted, this.options, this.options.retireGraceMs);
    return service;
  }
}
