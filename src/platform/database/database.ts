import type pg from 'pg';
import { GeneralPlans } from './general-plans.js';
import { DatabaseUnavailableError, isRetryable, isUnavailable } from './errors.js';
import { type Row } from './row.js';
import { type Statement } from './statement.js';

/** How often a transaction is run anew after a serialization failure or a deadlock before the caller hears of it. */
const MAX_ATTEMPTS = 5;

/**
 * Something that runs statements: the pool, where each statement is its own transaction, or a transaction.
 * A function that takes `Db` works in both; one that takes {@link Tx} needs the caller's transaction.
 */
export interface Db {
  /** Runs a prepared statement. Throws {@link DatabaseUnavailableError} when the database cannot be reached. */
  query(statement: Statement, values?: readonly unknown[]): Promise<Row[]>;
  /**
   * Runs `work` in a transaction: commits when it resolves, rolls back when it rejects. On a {@link Tx} it joins the
   * transaction that is open. `work` may run several times (serialization failures and deadlocks are retried), so it
   * must have no effect outside of the database but through {@link Db.afterCommit}.
   */
  transaction<T>(work: (tx: Tx) => Promise<T>): Promise<T>;
  /**
   * Runs `effect` once what was done so far is committed: at once on the pool, after the commit in a transaction, never
   * after a rollback. For hints such as wake-ups; it must not throw.
   */
  afterCommit(effect: () => void): void;
}

declare const inTransaction: unique symbol;

/** An open transaction. The brand makes forgetting one a compile error. */
export interface Tx extends Db {
  readonly [inTransaction]: true;
}

/** What a pool has and what is asked of it, at this moment. */
export interface PoolFigures {
  readonly busy: number;
  readonly idle: number;
  /** Connections that it opens at most. */
  readonly most: number;
  /** Callers who wait for one. */
  readonly waiting: number;
}

/** The connection pool of one process. */
export class Database implements Db {
  /** Since the process began: calls that found no database, and transactions that were run anew. */
  readonly troubles = { unavailable: 0, retried: 0 };
  private readonly insertFollowers = new Map<string, Set<() => void>>();
  private readonly plans = new GeneralPlans();

  constructor(private readonly pool: pg.Pool) {}

  /**
   * Calls `follower` after every commit through this pool in which a statement that inserts into `table` ran, whether it
   * found a row to insert or not. A hint within this process: whoever must miss nothing polls as well. Returns the way to
   * stop that.
   */
  followInserts(table: string, follower: () => void): () => void {
    const followers = this.insertFollowers.get(table) ?? new Set();
    this.insertFollowers.set(table, followers.add(follower));
    return () => followers.delete(follower);
  }

  get figures(): PoolFigures {
    const { totalCount, idleCount, waitingCount, options } = this.pool;
    return { busy: totalCount - idleCount, idle: idleCount, most: options.max, waiting: waitingCount };
  }

  async query(statement: Statement, values: readonly unknown[] = []): Promise<Row[]> {
    const { name, text, inserts, plan } = statement;
    try {
      const query = { name, text, values: values as unknown[] };
      const result =
        plan === 'once'
          ? await this.queryPlannedOnce(statement, query)
          : await this.pool.query<Record<string, unknown>>(query);
      if (inserts !== undefined) this.tellOf(inserts);
      return result.rows;
    } catch (error) {
      throw this.told(error);
    }
  }

  async transaction<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.runOnce(work);
      } catch (error) {
        if (!isRetryable(error) || attempt >= MAX_ATTEMPTS) throw this.told(error);
        this.troubles.retried++;
      }
    }
  }

  afterCommit(effect: () => void): void {
    effect();
  }

  /** The error that a caller hears of. */
  private told(error: unknown): unknown {
    if (!isUnavailable(error)) return error;
    this.troubles.unavailable++;
    return new DatabaseUnavailableError(error);
  }

  private tellOf(tables: Iterable<string>): void {
    for (const table of tables) for (const follower of this.insertFollowers.get(table) ?? []) follower();
  }

  /** As the pool does it, except that the first run on a connection keeps it for the time that its plans take. */
  private async queryPlannedOnce(
    statement: Statement,
    query: pg.QueryConfig,
  ): Promise<pg.QueryResult<Record<string, unknown>>> {
    const connection = await this.connect();
    const result = await connection.client.query<Record<string, unknown>>(query).catch((error: unknown) => {
      connection.release(true);
      throw error;
    });
    await this.release(connection, [statement]);
    return result;
  }

  private async runOnce<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    const connection = await this.connect();
    const { client } = connection;
    const tx = new Transaction(client);
    let result: T;
    try {
      await client.query('begin');
      result = await work(tx as unknown as Tx);
      await client.query('commit');
    } catch (error) {
      // When the connection is gone, so is the transaction: the first error is the one that says why.
      const isGone = await client.query('rollback').then(
        () => false,
        () => true,
      );
      connection.release(isGone);
      throw error;
    }
    tx.committed();
    this.tellOf(tx.inserted);
    await this.release(connection, tx.plannedOnce);
    return result;
  }

  private async connect(): Promise<Connection> {
    const client = await this.pool.connect();
    let isBroken = false;
    // A connection that dies between two statements tells so by this event; without a listener it ends the process.
    const onError = () => (isBroken = true);
    client.on('error', onError);
    return {
      client,
      release: (isUseless) => {
        client.off('error', onError);
        client.release(isBroken || isUseless);
      },
    };
  }

  /** Gives back a connection on which statements have run. */
  private async release(connection: Connection, statements: Iterable<Statement>): Promise<void> {
    const unsettled = this.plans.unsettled(connection.client, statements);
    if (unsettled.length > 0) await this.plans.settle(connection.client, unsettled);
    connection.release(false);
  }
}

/** A connection taken from the pool, until it is released. */
interface Connection {
  readonly client: pg.PoolClient;
  readonly release: (isUseless: boolean) => void;
}

class Transaction {
  readonly inserted = new Set<string>();
  readonly plannedOnce = new Set<Statement>();
  private readonly effects: (() => void)[] = [];

  constructor(private readonly client: pg.PoolClient) {}

  async query(statement: Statement, values: readonly unknown[] = []): Promise<Row[]> {
    const { name, text, inserts = [], plan } = statement;
    const result = await this.client.query<Record<string, unknown>>({
      name,
      text,
      values: values as unknown[],
    });
    for (const table of inserts) this.inserted.add(table);
    if (plan === 'once') this.plannedOnce.add(statement);
    return result.rows;
  }

  transaction<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    return work(this as unknown as Tx);
  }

  afterCommit(effect: () => void): void {
    this.effects.push(effect);
  }

  committed(): void {
    for (const effect of this.effects) effect();
  }
}
