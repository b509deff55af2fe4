import { Injectable } from '@nestjs/common';
import { Believed } from '../../platform/believed.js';
import { Database } from '../../platform/database/database.js';
import { type Caller, type KeyCaller, RunTokens, saysRunToken, secretHash } from '../auth/index.js';
import { LedgerReader } from '../ledger/index.js';
import { SchedulesService } from '../schedules/index.js';
import { findCaller } from './api-keys.queries.js';
import { ApiKeyUseLoop } from './key-use.loop.js';
import { apiKeySecrets } from './secrets.js';

/** How long what was read of a key is believed: a revoked one stops within it. */
const BELIEVED_MS = 1_000;

/** Whoever has something of his own to show: a key of the database, or a run token. */
export type OwnCaller = Extract<Caller, { readonly kind: 'key' | 'run token' }>;

/** Who shows a key of the database, or a run token. */
@Injectable()
export class ApiKeyAccess {
  private readonly stored = new Believed<KeyCaller | null>(BELIEVED_MS);

  constructor(
    private readonly database: Database,
    private readonly use: ApiKeyUseLoop,
    private readonly runs: RunTokens,
    private readonly ledger: LedgerReader,
    private readonly schedules: SchedulesService,
  ) {}

  /** Whether a secret says that it is one that this class knows: it must be good then. */
  concerns(secret: string): boolean {
    return apiKeySecrets.claims(secret) || saysRunToken(secret);
  }

  /** Whom a secret belongs to; null when it opens nothing. */
  async identify(secret: string): Promise<OwnCaller | null> {
    if (saysRunToken(secret)) {
      const claim = this.runs.read(secret);
      return claim === null ? null : { kind: 'run token', label: claim.taskId, claim };
    }
    if (!apiKeySecrets.mayBe(secret)) return null;
    const hash = secretHash(secret);
    const caller = await this.stored.of(hash, () => findCaller(this.database, hash));
    if (caller !== null) this.use.note(caller.id);
    return caller;
  }

  /** The projects of tasks, by the tasks' ids. */
  projectsOfTasks(ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
    return this.ledger.projectsOf(ids);
  }

  /** The projects of the tasks of schedules, by the schedules' ids. */
  projectsOfSchedules(ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
    return this.schedules.projectsOf(ids);
  }
}
