import pg from 'pg';
import { CONNECT_TIMEOUT_MS } from './connect.js';
import { DatabaseUnavailableError, isUnavailable } from './errors.js';
import { type Row } from './row.js';
import { type Statement } from './statement.js';
import { wireTypes } from './wire-types.js';

/** A statement of somebody who looks at a database whose state nobody knows. */
const QUERY_TIMEOUT_MS = 30_000;

/** What a query needs of whoever runs it. */
export interface Asks {
  query(statement: Statement, values?: readonly unknown[]): Promise<Row[]>;
}

/**
 * One connection of its own, for programs that look at a database without trusting it: nothing is prepared, so it works
 * behind any pooler, and nothing is migrated.
 */
export class Session implements Asks {
  private constructor(private readonly client: pg.Client) {}

  /** Connects. Throws {@link DatabaseUnavailableError} when the server cannot be reached. */
  static async open(
    url: string,
    applicationName: string,
    { queryTimeoutMs = QUERY_TIMEOUT_MS }: { readonly queryTimeoutMs?: number } = {},
  ): Promise<Session> {
    const client = new pg.Client({
      connectionString: url,
      application_name: applicationName,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      query_timeout: queryTimeoutMs,
      types: wireTypes,
    });
    client.on('error', () => undefined); // The query that was under way tells it, or the next one.
    try {
      await client.connect();
    } catch (error) {
      throw isUnavailable(error) ? new DatabaseUnavailableError(error) : error;
    }
    return new Session(client);
  }

  /** The server process that the other side named at the login; a pooler names one that it has made up. */
  get announcedProcess(): number | undefined {
    return (this.client as unknown as { processID?: number }).processID;
  }

  async query({ text }: Statement, values: readonly unknown[] = []): Promise<Row[]> {
    return this.told(this.client.query<Record<string, unknown>>(text, [...values]));
  }

  /** Runs a statement by its name, as the programs do: parsed once for this connection, whatever is behind it. */
  async queryPrepared({ name, text }: Statement, values: readonly unknown[] = []): Promise<Row[]> {
    return this.told(this.client.query<Record<string, unknown>>({ name, text, values: [...values] }));
  }

  /** Runs `work` in one transaction that is rolled back; on one snapshot that nothing can be written in when `readOnly`. */
  async inside<T>({ readOnly }: { readonly readOnly: boolean }, work: () => Promise<T>): Promise<T> {
    await this.client.query(readOnly ? 'begin isolation level repeatable read read only' : 'begin');
    try {
      return await work();
    } finally {
      await this.client.query('rollback').catch(() => undefined);
    }
  }

  /** Listens on a channel, and calls `follower` with each payload that arrives. */
  async listen(channel: string, follower: (payload: string) => void): Promise<void> {
    this.client.on('notification', (notification) => {
      if (notification.channel === channel) follower(notification.payload ?? '');
    });
    await this.client.query(`listen ${pg.escapeIdentifier(channel)}`);
  }

  async close(): Promise<void> {
    await this.client.end().catch(() => undefined);
  }

  private async told(result: Promise<pg.QueryResult<Record<string, unknown>>>): Promise<Row[]> {
    try {
      return (await result).rows;
    } catch (error) {
      throw isUnavailable(error) ? new DatabaseUnavailableError(error) : error;
    }
  }
}
