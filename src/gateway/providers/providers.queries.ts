import { type Db } from '../../platform/database/database.js';
import {
  type Instant,
  instantOrNull,
  integer,
  type Row,
  text,
  textOrNull,
} from '../../platform/database/row.js';
import { statement } from '../../platform/database/statement.js';
import { type ProviderHealth } from './domain/health.js';

/** The window of the limits per minute. */
const WINDOW = `interval '60 seconds'`;

/** What is known of a provider at an instant. */
export interface ProviderRecord {
  readonly name: string;
  readonly requestsToday: number;
  readonly inputTokensToday: number;
  readonly outputTokensToday: number;
  readonly attemptsThisMinute: number;
  /** The first of those attempts. */
  readonly firstAttemptAt: number | null;
  readonly health: ProviderHealth;
  readonly lastError: string | null;
}

const milliseconds = (instant: Instant | null) => (instant === null ? null : Date.parse(instant));
const iso = (time: number) => new Date(time).toISOString();
const isoOrNull = (time: number | null) => (time === null ? null : iso(time));
/** The UTC day of an instant. */
const dayOf = (time: number) => iso(time).slice(0, 10);

const healthFromRow = (row: Row): ProviderHealth => ({
  errors: integer(row, 'errors'),
  limitedAt: milliseconds(instantOrNull(row, 'limited_at')),
  coolingUntil: milliseconds(instantOrNull(row, 'cooling_until')),
  lastUntil: milliseconds(instantOrNull(row, 'last_until')),
});

const LIST = statement(
  'providers.list',
  `select p.name, coalesce(u.requests, 0) as requests, coalesce(u.input_tokens, 0) as input_tokens,
     coalesce(u.output_tokens, 0) as output_tokens, a.count as attempts, a.first as first_attempt,
     coalesce(h.errors, 0) as errors, h.limited_at, h.cooling_until, h.last_until, h.last_error
   from unnest($1::text[]) as p (name)
   left join gateway.provider_usage u on u.provider = p.name and u.day = $2::date
   left join gateway.provider_rates r on r.provider = p.name
   left join gateway.provider_health h on h.provider = p.name and h.model = ''
   cross join lateral (
     select count(*) as count, min(t.at) as first from unnest(r.attempts) as t (at)
     where t.at > $3::timestamptz - ${WINDOW}) as a`,
);

export async function listRecords(db: Db, names: readonly string[], now: number): Promise<ProviderRecord[]> {
  return (await db.query(LIST, [names, dayOf(now), iso(now)])).map((row) => ({
    name: text(row, 'name'),
    requestsToday: integer(row, 'requests'),
    inputTokensToday: integer(row, 'input_tokens'),
    outputTokensToday: integer(row, 'output_tokens'),
    attemptsThisMinute: integer(row, 'attempts'),
    firstAttemptAt: milliseconds(instantOrNull(row, 'first_attempt')),
    health: healthFromRow(row),
    lastError: textOrNull(row, 'last_error'),
  }));
}

const TAKE_OF_DAY = statement(
  'providers.takeOfDay',
  `insert into gateway.provider_usage as u (provider, day, requests) values ($1, $2::date, 1)
   on conflict (provider, day) do update set requests = u.requests + 1
     where $3::integer is null or u.requests < $3::integer
   returning u.requests`,
);

/** Takes one request of the day of `now`. False when `limit` are taken; null is no limit. */
export async function takeOfDay(
  db: Db,
  provider: string,
  limit: number | null,
  now: number,
): Promise<boolean> {
  return (await db.query(TAKE_OF_DAY, [provider, dayOf(now), limit])).length > 0;
}

const GIVE_BACK = statement(
  'providers.giveBack',
  `update gateway.provider_usage u set requests = u.requests - 1
   where u.provider = $1 and u.day = $2::date and u.requests > 0`,
);

/** Gives back what was taken of the day of `takenAt`. */
export async function giveBack(db: Db, provider: string, takenAt: number): Promise<void> {
  await db.query(GIVE_BACK, [provider, dayOf(takenAt)]);
}

const TAKE_OF_MINUTE = statement(
  'providers.takeOfMinute',
  `insert into gateway.provider_rates as r (provider, attempts) values ($1, array[$2::timestamptz])
   on conflict (provider) do update set attempts =
     array(select t.at from unnest(r.attempts) as t (at) where t.at > $2::timestamptz - ${WINDOW})
       || $2::timestamptz
     where (select count(*) from unnest(r.attempts) as t (at) where t.at > $2::timestamptz - ${WINDOW})
       < $3::integer
   returning r.provider`,
);

/** Counts an attempt. False, and it is not counted, when there were `limit` in the 60 s before. */
export async function takeOfMinute(db: Db, provider: string, limit: number, now: number): Promise<boolean> {
  return (await db.query(TAKE_OF_MINUTE, [provider, iso(now), limit])).length > 0;
}

const ADD_TOKENS = statement(
  'providers.addTokens',
  `insert into gateway.provider_usage as u (provider, day, requests, input_tokens, output_tokens)
   values ($1, $2::date, 0, $3, $4)
   on conflict (provider, day) do update set
     input_tokens = u.input_tokens + excluded.input_tokens,
     output_tokens = u.output_tokens + excluded.output_tokens`,
);

/** Adds tokens to the day of `takenAt`. */
export async function addTokens(
  db: Db,
  provider: string,
  takenAt: number,
  { inputTokens, outputTokens }: { readonly inputTokens: number; readonly outputTokens: number },
): Promise<void> {
  await db.query(ADD_TOKENS, [provider, dayOf(takenAt), inputTokens, outputTokens]);
}

const ADD_HEALTH = statement(
  'providers.addHealth',
  `insert into gateway.provider_health (provider, model) values ($1, '') on conflict do nothing`,
);
const LOCK_HEALTH = statement(
  'providers.lockHealth',
  `select h.errors, h.limited_at, h.cooling_until, h.last_until from gateway.provider_health h
   where h.provider = $1 and h.model = '' for no key update`,
);
const SET_HEALTH = statement(
  'providers.setHealth',
  `update gateway.provider_health h set errors = $2, limited_at = $3, cooling_until = $4, last_until = $5,
     last_error = coalesce($6, h.last_error)
   where h.provider = $1 and h.model = ''`,
);

/** Changes the health of a provider as `change` says, nobody in between. `error` becomes its last one. */
export async function changeHealth(
  db: Db,
  provider: string,
  error: string | null,
  change: (health: ProviderHealth) => ProviderHealth,
): Promise<void> {
  await db.transaction(async (tx) => {
    await tx.query(ADD_HEALTH, [provider]);
    for (const row of await tx.query(LOCK_HEALTH, [provider])) {
      const { errors, limitedAt, coolingUntil, lastUntil } = change(healthFromRow(row));
      const times = [limitedAt, coolingUntil, lastUntil].map(isoOrNull);
      await tx.query(SET_HEALTH, [provider, errors, ...times, error]);
    }
  });
}

const REST_MODEL = statement(
  'providers.restModel',
  `insert into gateway.provider_health as h (provider, model, cooling_until, last_error) values ($1, $2, $3, $4)
   on conflict (provider, model) do update set
     cooling_until = greatest(h.cooling_until, excluded.cooling_until), last_error = excluded.last_error`,
);

/** Has a model of a chain rest until then, or longer if it does already. */
export async function restModel(
  db: Db,
  { provider, model, until, error }: { provider: string; model: string; until: number; error: string },
): Promise<void> {
  await db.query(REST_MODEL, [provider, model, iso(until), error]);
}

const WAKE_MODEL = statement(
  'providers.wakeModel',
  `update gateway.provider_health h set cooling_until = null
   where h.provider = $1 and h.model = $2 and h.model <> '' and h.cooling_until is not null`,
);

/** Ends the rest of a model that has answered. */
export async function wakeModel(db: Db, provider: string, model: string): Promise<void> {
  await db.query(WAKE_MODEL, [provider, model]);
}

export interface ModelRest {
  readonly model: string;
  readonly until: number;
  readonly lastError: string | null;
}

const LIST_RESTS = statement(
  'providers.listRests',
  `select h.model, h.cooling_until, h.last_error from gateway.provider_health h
   where h.provider = $1 and h.model <> '' and h.model = any($2) and h.cooling_until > $3`,
);

/** The models of a chain that rest. */
export async function listRests(
  db: Db,
  provider: string,
  models: readonly string[],
  now: number,
): Promise<ModelRest[]> {
  return (await db.query(LIST_RESTS, [provider, models, iso(now)])).map((row) => ({
    model: text(row, 'model'),
    until: Date.parse(text(row, 'cooling_until')),
    lastError: textOrNull(row, 'last_error'),
  }));
}
