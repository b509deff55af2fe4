/**
 * One SQL statement with a name. The name makes it a prepared statement on every connection that runs it,
 * and is how it is found in logs and in `pg_stat_statements`; it is unique in the program.
 */
export interface Statement {
  readonly name: string;
  readonly text: string;
  /** The tables that it adds rows to, for those who follow them; see `Database.followInserts`. */
  readonly inserts?: readonly string[];
  /** Planned once for each connection; see {@link statement}. */
  readonly plan?: 'once';
}

/** Postgres keeps 63 bytes of a prepared statement's name; a longer one would silently collide. */
const MAX_NAME_LENGTH = 63;

const named = new Map<string, string>();

/**
 * Declares a prepared statement. `name` is `module.verb`; declaring two texts under one name throws at start,
 * since Postgres would otherwise run whichever was prepared first.
 *
 * `plan: 'once'` is for what is called all the time: it is planned once for each connection and not for each call.
 * Postgres goes on planning as long as it thinks that the values make a better plan, and for arrays of a few elements it
 * thinks so for ever, although planning takes several times as long as the work. So the values are kept from the
 * planner, each behind a sub-select. Every parameter must be cast where it stands (`$1::text[]`).
 */
export function statement(
  name: string,
  template: string,
  { plan }: { readonly plan?: 'once' } = {},
): Statement {
  const text = plan === 'once' ? sealed(name, template) : template;
  if (name.length > MAX_NAME_LENGTH) throw new Error(`Statement name too long: ${name}`);
  const known = named.get(name);
  if (known !== undefined && known !== text) throw new Error(`Two statements are named ${name}.`);
  named.set(name, text);
  const inserts = [...text.matchAll(/\binsert\s+into\s+([a-z_.]+)/g)].map((match) => match[1] ?? '');
  return Object.freeze({ name, text, inserts, ...(plan === undefined ? {} : { plan }) });
}

function sealed(name: string, template: string): string {
  // The second cast keeps `any(…)` from reading the sub-select as rows.
  const text = template.replace(/\$(\d+)::(\w+(?:\[\])?)/g, '(select $$$1::$2)::$2');
  const bare = /(?<!\(select )\$\d+/.exec(text);
  if (bare !== null) throw new Error(`Statement ${name} does not say the type of ${bare[0]}.`);
  return text;
}
