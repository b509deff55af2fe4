import { type Logger } from '../../platform/logging/logger.js';
import { everyInterval } from '../../platform/loops/interval-clock.js';
import { Loop } from '../../platform/loops/loop.js';
import { readServices } from '../domain/service-list.js';
import { type ServiceTable } from '../services/service-table.js';
import { type CoordinatorClient } from './coordinator-client.js';

/** Takes the coordinator's list over again and again. While there is none to be had, the last good one stays. */
export class RefreshLoop extends Loop {
  failures = 0;
  /** Of the list that the table holds; undefined when the coordinator names none. */
  version: string | undefined;
  /** Called when the list has another version than before. */
  onNewVersion: () => void = () => undefined;
  private told = '';
  private firstEnded: () => void = () => undefined;
  private readonly first = new Promise<void>((resolve) => (this.firstEnded = resolve));

  constructor(
    private readonly coordinator: CoordinatorClient,
    private readonly table: ServiceTable,
    intervalMs: number,
    logger: Logger,
  ) {
    super({ name: 'refresh', intervalMs, logger }, everyInterval);
  }

  /** Resolves when the first pass has ended, well or not. */
  firstPass(): Promise<void> {
    return this.first;
  }

  protected async runOnce(signal: AbortSignal): Promise<void> {
    try {
      const { services, version } = await this.coordinator.services(signal);
      const list = readServices(services);
      this.table.apply(list.services, performance.now());
      this.tell(list.refused);
      if (version === this.version) return;
      this.version = version;
      this.onNewVersion();
    } catch (error) {
      if (!signal.aborted) this.failures++;
      throw error;
    } finally {
      this.firstEnded();
    }
  }

  /** Once for as long as it stays the same. */
  private tell(refused: readonly string[]): void {
    const text = refused.join(' ');
    if (text !== this.told && text !== '') this.logger.warn(text);
    this.told = text;
  }
}
