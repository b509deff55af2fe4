import { randomBytes, randomUUID } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { Database, type Db, type Tx } from '../../platform/database/database.js';
import { Problem } from '../../platform/problems/problem.js';
import { secretsEqual } from '../../platform/secrets/secrets-equal.js';
import { secretHash } from '../auth/index.js';
import { type ControlPlaneConfig } from '../config.js';
import { CONFIG } from '../runtime/index.js';
import * as imports from './host-imports.queries.js';
import { type ForeignHost } from './host-imports.queries.js';
import * as queries from './hosts.queries.js';
import { type Host, type HostCredential, type HostOrder } from './hosts.queries.js';
import { RegistryService } from './registry.service.js';

export interface HostApplication {
  /** Null: an id is made. */
  readonly id: string | null;
  readonly name: string;
  readonly capabilities: readonly string[];
  readonly maxParallel: number;
  readonly defaultTimeoutMs: number | null;
  /** See {@link Host.tellsServices}. */
  readonly tellsServices: boolean;
}

/** What a registration shows to prove which host it is of. */
export interface ShownByHost {
  /** The host's credential; empty: none. */
  readonly token: string;
  /** The idempotency key of the request; null: none. */
  readonly registrationKey: string | null;
}

export interface Registered {
  readonly host: Host;
  /** The host's new credential, shown this once; null when hosts have none. */
  readonly token: string | null;
}

/** Hosts: who they are, what an operator has said of them, and how they prove who they are. */
@Injectable()
export class HostsRegistry {
  constructor(
    private readonly database: Database,
    private readonly registry: RegistryService,
    @Inject(CONFIG) private readonly config: ControlPlaneConfig,
  ) {}

  /**
   * Registers a host, or anew. With credentials, whoever registers an id that has one shows it (`shownToken`), and gets
   * another in its place; the old one is good until the new one is used. The answer to a registration may get lost, with the
   * credential in it: until that has been used, the same idempotency key proves as much. Throws for a revoked id, and for a
   * worker's.
   */
  async register(
    tx: Tx,
    application: HostApplication,
    { token: shownToken, registrationKey }: ShownByHost,
  ): Promise<Registered> {
    const { hostAuth, hostTimeoutMs, nodeId } = this.config.skyclaw;
    const keyHash = hostAuth && registrationKey !== null ? secretHash(registrationKey) : null;
    const id = application.id ?? `host_${keyHash === null ? randomUUID() : uuidFrom(keyHash)}`;
    const known = await queries.lockHost(tx, id);
    if (known?.isRevoked === true) throw revoked(id);
    const shownHash = secretHash(shownToken);
    const isKnown = hostAuth && known !== null && known.tokenHash !== null;
    const isProven = isKnown && isCredential(known, shownHash);
    const isRepeated = isKnown && keyHash !== null && known.registrationKeyHash === keyHash;
    if (isKnown && !isProven && !isRepeated) throw notProven(id);
    const token = hostAuth ? randomBytes(32).toString('base64url') : null;
    const accepted = await queries.upsertHost(
      tx,
      { ...application, id, silentAfterMs: hostTimeoutMs, updatedBy: nodeId },
      {
        tokenHash: token === null ? null : secretHash(token),
        // What the host has shown it has; of what was sent to one that shows nothing it may yet hear.
        previousTokenHash: isProven ? shownHash : isRepeated ? known.tokenHash : null,
        registrationKeyHash: keyHash,
      },
    );
    if (!accepted) throw new Problem('host-id-taken', `'${id}' is the id of a worker`);
    tx.afterCommit(() => this.registry.forgetRoster());
    return { host: await this.get(tx, id), token };
  }

  /** Throws unless whoever calls may act as the host: by its credential, where hosts have one. */
  async authorize(db: Db, id: string, shownToken: string): Promise<void> {
    if (!this.config.skyclaw.hostAuth) return;
    const credential = await queries.findCredential(db, id);
    // Told as unknown by whoever looks the host up.
    if (credential === null) return;
    if (credential.isRevoked) throw revoked(id);
    const shownHash = secretHash(shownToken);
    if (!isCredential(credential, shownHash)) throw notProven(id);
    const { tokenHash, previousTokenHash, registrationKeyHash } = credential;
    if (registrationKeyHash !== null || (previousTokenHash !== null && tokenHash === shownHash)) {
      await queries.noteUse(db, id, shownHash);
    }
  }

  /** A sign of life, and what the host says of itself; null when there is no such host. */
  async heartbeat(
    db: Db,
    id: string,
    said: { readonly capabilities: readonly string[] | null; readonly reportedActiveLeases: number | null },
  ): Promise<Host | null> {
    const { hostTimeoutMs: silentAfterMs, nodeId: updatedBy } = this.config.skyclaw;
    if (!(await queries.hostHeartbeat(db, id, { ...said, silentAfterMs, updatedBy }))) return null;
    if (said.capabilities !== null) db.afterCommit(() => this.registry.forgetRoster());
    return queries.findHost(db, id);
  }

  /** Notes that a host says what it runs of services; see {@link Host.tellsServices}. */
  noteTelling(db: Db, id: string): Promise<void> {
    return queries.noteTelling(db, id);
  }

  find(id: string, db: Db = this.database): Promise<Host | null> {
    return queries.findHost(db, id);
  }

  /** Throws when there is no such host. */
  async get(db: Db, id: string): Promise<Host> {
    const host = await queries.findHost(db, id);
    if (host === null) throw unknownHost(id);
    return host;
  }

  list(
    after: Pick<Host, 'registeredAt' | 'id'> | null,
    limit: number,
    db: Db = this.database,
  ): Promise<Host[]> {
    return queries.listHosts(db, after, limit);
  }

  /** Up to `limit` hosts that have all of some capabilities, those in front that may get work and are heard of. */
  listAble(capabilities: readonly string[], limit: number): Promise<Host[]> {
    return queries.listAbleHosts(this.database, capabilities, limit);
  }

  /** Those of `ids` that should hold nothing any more. */
  listUnfit(ids: readonly string[]): Promise<Host[]> {
    return ids.length === 0 ? Promise.resolve([]) : queries.listUnfitHosts(this.database, ids);
  }

  /** Those of `ids` that are registered. */
  listByIds(db: Db, ids: readonly string[]): Promise<Host[]> {
    return queries.listHostsById(db, ids);
  }

  /** Notes what an operator says of a host. Throws when there is no such host. */
  async order(tx: Tx, id: string, order: HostOrder): Promise<Host> {
    if ((await queries.lockHost(tx, id)) === null) throw unknownHost(id);
    await queries.orderHost(tx, id, order);
    tx.afterCommit(() => this.registry.forgetRoster());
    await queries.countWrite(tx, id, this.config.skyclaw.nodeId);
    return this.get(tx, id);
  }

  /** See {@link imports.lockHostStandings}. */
  standings(tx: Tx, ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
    return imports.lockHostStandings(tx, ids);
  }

  /**
   * Writes hosts as they were elsewhere, over those of the same ids. They are offline until they are heard of. Returns
   * what {@link standings} says of them from now on.
   */
  async import(tx: Tx, hosts: readonly ForeignHost[]): Promise<ReadonlyMap<string, string>> {
    await imports.importHosts(tx, hosts);
    tx.afterCommit(() => this.registry.forgetRoster());
    return imports.lockHostStandings(
      tx,
      hosts.map(({ id }) => id),
    );
  }

  /** Forgets up to `limit` hosts that have been silent for `days`; returns their ids. */
  prune(days: number, limit: number): Promise<string[]> {
    return queries.pruneHosts(this.database, days, limit);
  }
}

/** Whether a host may be given new work. */
export function mayGetWork({ revokedAt, cordonedAt, drainSince }: Host): boolean {
  return revokedAt === null && cordonedAt === null && drainSince === null;
}

export function unknownHost(id: string): Problem {
  return new Problem('host-not-found', `unknown host: ${id}`);
}

function revoked(id: string): Problem {
  return new Problem('host-revoked', `host ${id} is revoked; an operator can readmit it`);
}

/** The same id for the same hash: a registration that names none and is repeated must not make two hosts. */
function uuidFrom(hash: string): string {
  return `${hash.slice(0, 8)}-${hash.slice(8, 12)}-8${hash.slice(13, 16)}-a${hash.slice(17, 20)}-${hash.slice(20, 32)}`;
}

/** Whether what was shown is the credential of a host, or the one before it. */
function isCredential({ tokenHash, previousTokenHash }: HostCredential, shownHash: string): boolean {
  // Both are compared, so that the time does not tell which one was close.
  return [tokenHash, previousTokenHash]
    .map((hash) => hash !== null && secretsEqual(hash, shownHash))
    .includes(true);
}

function notProven(id: string): Problem {
  return new Problem('unauthorized', `the credential of host ${id} is missing or wrong`);
}
