import type pg from 'pg';
import { type Statement } from './statement.js';

/** PostgreSQL makes so many plans for given values before it compares what they cost with the general one. */
const COMPARED_AFTER = 5;
/** What a comparison of two values is said to cost while they are made: more than any plan will ever be thought to. */
const BEYOND_ALL = 1e15;

/**
 * Sees to it that statements of `plan: 'once'` are planned once for each connection, whatever becomes of the tables.
 * PostgreSQL keeps a general plan as long as it seems cheaper than those that it made for given values were on average.
 * Those are the first five, and when the tables were small then, the general plan of grown tables never seems so again:
 * every call is planned. So right after the first run on a connection the others of the five are made at absurd costs.
 */
export class GeneralPlans {
  private readonly settled = new WeakMap<pg.PoolClient, Set<string>>();

  /** Of the statements that have just run on a connection those that are to be settled there. */
  unsettled(client: pg.PoolClient, statements: Iterable<Statement>): Statement[] {
    const settled = this.settled.get(client);
    return [...statements].filter(({ name, plan }) => plan === 'once' && settled?.has(name) !== true);
  }

  /**
   * Outside of a transaction, and each plan in one of its own, so that it waits for nobody with the locks of another.
   * Never throws: a connection through a pooler may not know the statement by its name.
   */
  async settle(client: pg.PoolClient, statements: readonly Statement[]): Promise<void> {
    const settled = this.settled.get(client) ?? new Set();
    this.settled.set(client, settled);
    try {
      const made = await plansMade(
        client,
        statements.map(({ name }) => name),
      );
      await client.query(`set cpu_operator_cost = ${BEYOND_ALL}`);
      for (const statement of statements) {
        settled.add(statement.name);
        // Not one more: the next is the general plan, whose cost must be the real one.
        for (let plan = made.get(statement.name) ?? COMPARED_AFTER; plan < COMPARED_AFTER; plan++) {
          await client.query(explained(statement));
        }
      }
    } catch {
      // Planned at every call then, as it would be without us.
    }
    // A connection that is lost says so to its next user.
    await client.query('reset cpu_operator_cost').catch(() => undefined);
  }
}

/** How many plans a connection has made for given values, by statement. */
async function plansMade(
  client: pg.PoolClient,
  names: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const { rows } = await client.query<{ name: string; made: number }>(
    'select name, custom_plans::int as made from pg_prepared_statements where name = any($1)',
    [names],
  );
  return new Map(rows.map(({ name, made }) => [name, made]));
}

function explained({ name, text }: Statement): string {
  const parameters = Math.max(0, ...[...text.matchAll(/\$(\d+)/g)].map((match) => Number(match[1])));
  const values = parameters === 0 ? '' : `(${Array<string>(parameters).fill('null').join(', ')})`;
  return `explain execute "${name}"${values}`;
}
