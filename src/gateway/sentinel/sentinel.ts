import { type Database } from '../../platform/database/database.js';
import { DatabaseUnavailableError } from '../../platform/database/errors.js';
import { type Logger } from '../../platform/logging/logger.js';
import { everyInterval } from '../../platform/loops/interval-clock.js';
import { Loop } from '../../platform/loops/loop.js';
import { type Checks, lookAtAll } from './checks.js';
import { Persistence, verdictOf } from './domain/alerting.js';
import { type Component, components, type Finding, type Findings } from './domain/component.js';
import { DatabaseOutage } from './outage.js';
import { type SentinelConfig } from './sentinel.config.js';
import * as queries from './sentinel.queries.js';

export interface SentinelOptions {
  readonly config: SentinelConfig;
  readonly database: Database;
  readonly checks: Checks;
  readonly logger: Logger;
  /** Tells the operator over Telegram; undefined: there is no bot. */
  readonly tell: ((message: string) => Promise<void>) | undefined;
}

/** A component as this gateway sees it. */
export interface Seen extends Finding {
  readonly component: Component;
  /** Since when this gateway finds it so. */
  readonly since: Date;
}

/** Everything that the sentinel has to show. */
export interface Overview {
  readonly gateway: string;
  /** Null: it has not looked yet. */
  readonly lookedAt: Date | null;
  readonly seen: readonly Seen[];
  /** What all gateways find down; null while the database is away. */
  readonly failures: readonly queries.Failure[] | null;
  readonly alerts: readonly queries.Alert[] | null;
  readonly checks: readonly queries.HealthCheck[] | null;
}

const SHOWN_ALERTS = 50;
const SHOWN_CHECKS = 12;

/**
 * Looks at the components again and again, and tells when one is down and when it is up again: in the log, as a row that
 * can be read, and over Telegram. Gateways that share a database tell it once between them; whichever has a bot does so
 * there. While all is well it writes nothing.
 */
export class Sentinel extends Loop {
  private readonly outage: DatabaseOutage;
  private readonly persistence = new Map(components.map((component) => [component, new Persistence()]));
  private readonly seen = new Map<Component, Seen>();
  private readonly startedAt = performance.now();
  private lookedAt: Date | null = null;
  private gateway = '';

  constructor(private readonly options: SentinelOptions) {
    const { config, database, logger } = options;
    super({ name: 'sentinel', intervalMs: config.lookEveryMs, logger }, everyInterval);
    const { tell } = options;
    this.outage = new DatabaseOutage({
      database,
      logger: this.logger,
      alertEveryMs: config.alertEveryMs,
      tell: tell && ((message) => this.tell(tell, message)),
    });
  }

  /** Watches from now on, under the name of this gateway. */
  watch(gateway: string): void {
    this.gateway = gateway;
    this.start();
  }

  async overview(): Promise<Overview> {
    const { database, config } = this.options;
    const own = { gateway: this.gateway, lookedAt: this.lookedAt, seen: [...this.seen.values()] };
    try {
      const [failures, alerts, checks] = await Promise.all([
        queries.listFailures(database, config.freshMs),
        queries.listAlerts(database, SHOWN_ALERTS),
        queries.listHealthChecks(database, SHOWN_CHECKS),
      ]);
      return { ...own, failures, alerts, checks };
    } catch (error) {
      if (!(error instanceof DatabaseUnavailableError)) throw error;
      return { ...own, failures: null, alerts: null, checks: null };
    }
  }

  /** Looks at all components and keeps what it finds, as a line of the history of health. */
  async checkHealth(): Promise<Findings> {
    const findings = await lookAtAll(this.options.checks);
    await queries.addHealthCheck(this.options.database, this.gateway, findings);
    return findings;
  }

  protected async runOnce(): Promise<void> {
    const findings = await lookAtAll(this.options.checks);
    this.lookedAt = new Date();
    for (const component of components) this.see(component, findings[component]);
    const isGrace = performance.now() - this.startedAt < this.options.config.graceMs;
    const isAway = findings.database.state === 'down';
    const countsAsDown = (component: Component) => {
      // While the database is away nothing can be written down of the others, and some are down for this reason alone.
      const isDown = findings[component].state === 'down' && (component === 'database' || !isAway);
      return this.persistence.get(component)?.note(isDown, isGrace) === true;
    };
    const downs = new Set(components.filter(countsAsDown));
    if (isAway) {
      if (downs.has('database')) await this.outage.down(alertText('database', [findings.database.detail]));
      return;
    }
    await this.outage.up(recoveryText('database'));
    await this.report(findings, downs);
    await this.tellUntold();
  }

  private see(component: Component, finding: Finding): void {
    const before = this.seen.get(component);
    const since = before?.state === finding.state ? before.since : new Date();
    this.seen.set(component, { component, ...finding, since });
  }

  /** Writes down what this gateway finds down, and no longer does; decides where there is something to decide. */
  private async report(findings: Findings, downs: ReadonlySet<Component>): Promise<void> {
    const { database } = this.options;
    const noted = new Map(
      (await queries.listNoted(database, this.gateway)).map((entry) => [entry.component, entry]),
    );
    for (const component of components) {
      const { isDown = false, isOurs = false } = noted.get(component) ?? {};
      if (downs.has(component)) {
        await queries.seeFailure(database, component, this.gateway, findings[component].detail);
      } else if (isOurs) await queries.clearFailure(database, component, this.gateway);
      if (downs.has(component) || isDown) await this.decide(component);
    }
  }

  private async decide(component: Component): Promise<void> {
    const { database, config } = this.options;
    const told = await database.transaction(async (tx) => {
      const standing = await queries.lockComponent(tx, component);
      const failures = (await queries.listFailures(tx, config.freshMs)).filter(
        (failure) => failure.component === component,
      );
      const kind = verdictOf(standing, failures.length, config.alertEveryMs);
      if (kind === null) return null;
      const details = failures.map(({ gateway, detail }) => `${detail} (${gateway})`);
      const message = kind === 'alert' ? alertText(component, details) : recoveryText(component);
      await queries.addAlert(tx, { component, kind, message });
      return { kind, message };
    });
    if (told !== null) this.logger[told.kind === 'alert' ? 'error' : 'info'](told.message);
  }

  /** Tells over Telegram what nobody has told yet, until Telegram does not take it. */
  private async tellUntold(): Promise<void> {
    const { tell, database } = this.options;
    if (tell === undefined) return;
    for (const { id, message } of await queries.takeUntold(database)) {
      if (!(await this.tell(tell, message))) return;
      await queries.markTold(database, id);
    }
  }

  private async tell(tell: (message: string) => Promise<void>, message: string): Promise<boolean> {
    try {
      await tell(message);
      return true;
    } catch (error) {
      this.logger.warn(`An alert was not told: ${error instanceof Error ? error.message : 'unknown'}`);
      return false;
    }
  }
}

const MOST_TEXT = 1_000;

function alertText(component: Component, details: readonly string[]): string {
  return `Sentinel: ${component} is down. ${details.join(' ')}`.slice(0, MOST_TEXT);
}

function recoveryText(component: Component): string {
  return `Sentinel: ${component} is up again.`;
}
