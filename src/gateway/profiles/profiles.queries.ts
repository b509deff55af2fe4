import { type Db, type Tx } from '../../platform/database/database.js';
import {
  flag,
  instant,
  type Instant,
  integer,
  onlyRow,
  type Row,
  text,
} from '../../platform/database/row.js';
import { statement } from '../../platform/database/statement.js';

/** Somebody whom the gateway talks to. */
export interface Profile {
  readonly userId: number;
  /** Whether anything new may be remembered, and what is remembered be used. */
  readonly memoryEnabled: boolean;
  readonly createdAt: Instant;
}

/** Something that is remembered of a person. */
export interface Fact {
  readonly key: string;
  readonly text: string;
  readonly rememberedAt: Instant;
}

const PROFILE_COLUMNS = 'p.telegram_user_id, p.memory_enabled, p.created_at';

const profileFromRow = (row: Row): Profile => ({
  userId: integer(row, 'telegram_user_id'),
  memoryEnabled: flag(row, 'memory_enabled'),
  createdAt: instant(row, 'created_at'),
});

const FIND = statement(
  'profiles.find',
  `select ${PROFILE_COLUMNS} from gateway.profiles p where p.telegram_user_id = $1`,
);

export async function findProfile(db: Db, userId: number): Promise<Profile | null> {
  return (await db.query(FIND, [userId])).map(profileFromRow)[0] ?? null;
}

const ADD = statement(
  'profiles.add',
  'insert into gateway.profiles (telegram_user_id) values ($1) on conflict do nothing',
);

/** Makes a profile if there is none. */
export async function addProfile(db: Db, userId: number): Promise<void> {
  await db.query(ADD, [userId]);
}

const LOCK = statement(
  'profiles.lock',
  `select ${PROFILE_COLUMNS} from gateway.profiles p where p.telegram_user_id = $1 for update`,
);

/** The same as {@link findProfile}; nobody else changes what is remembered of the person until the transaction ends. */
export async function lockProfile(tx: Tx, userId: number): Promise<Profile | null> {
  return (await tx.query(LOCK, [userId])).map(profileFromRow)[0] ?? null;
}

const SET_MEMORY = statement(
  'profiles.setMemory',
  `update gateway.profiles p set memory_enabled = $2 where p.telegram_user_id = $1 returning ${PROFILE_COLUMNS}`,
);

/** Null when there is no such profile. */
export async function setMemory(db: Db, userId: number, enabled: boolean): Promise<Profile | null> {
  return (await db.query(SET_MEMORY, [userId, enabled])).map(profileFromRow)[0] ?? null;
}

const LIST_FACTS = statement(
  'profiles.listFacts',
  `select f.key, f.text, f.remembered_at from gateway.profile_facts f
   where f.telegram_user_id = $1 order by f.remembered_at, f.key limit $2`,
);

/** What is remembered, oldest first. */
export async function listFacts(db: Db, userId: number, limit: number): Promise<Fact[]> {
  const rows = await db.query(LIST_FACTS, [userId, limit]);
  return rows.map((row) => ({
    key: text(row, 'key'),
    text: text(row, 'text'),
    rememberedAt: instant(row, 'remembered_at'),
  }));
}

const COUNT_OTHERS = statement(
  'profiles.countOtherFacts',
  'select count(*) as others from gateway.profile_facts f where f.telegram_user_id = $1 and f.key <> $2',
);

/** How many facts are remembered under other keys. */
export async function countOtherFacts(tx: Tx, userId: number, key: string): Promise<number> {
  return integer(onlyRow(await tx.query(COUNT_OTHERS, [userId, key])), 'others');
}

const REMEMBER = statement(
  'profiles.remember',
  `insert into gateway.profile_facts as f (telegram_user_id, key, text) values ($1, $2, $3)
   on conflict (telegram_user_id, key) do update set text = excluded.text, remembered_at = now()`,
);

/** Remembers a fact, in the place of the one that had its key. */
export async function remember(tx: Tx, userId: number, key: string, fact: string): Promise<void> {
  await tx.query(REMEMBER, [userId, key, fact]);
}

const FORGET = statement(
  'profiles.forget',
  `delete from gateway.profile_facts f where f.telegram_user_id = $1
     and (f.key = lower($2::text) or lower(f.text) = lower($2::text)
       or length($2::text) >= $3::integer and position(lower($2::text) in lower(f.text)) > 0)
   returning f.key`,
);

/**
 * Forgets what has this key or this text, and whatever text contains it if it has at least `leastPart` characters. Returns
 * the keys, in order.
 */
export async function forget(
  db: Db,
  userId: number,
  keyOrText: string,
  leastPart: number,
): Promise<string[]> {
  return (await db.query(FORGET, [userId, keyOrText, leastPart])).map((row) => text(row, 'key')).sort();
}

/** A person with what may be used of what is remembered of them. */
export interface Remembered {
  readonly userId: number;
  readonly facts: readonly Pick<Fact, 'key' | 'text'>[];
}

const LIST_REMEMBERED = statement(
  'profiles.listRemembered',
  `select p.telegram_user_id, json_agg(json_build_object('key', f.key, 'text', f.text) order by f.key) as facts
   from gateway.profiles p join gateway.profile_facts f on f.telegram_user_id = p.telegram_user_id
   where p.memory_enabled and p.telegram_user_id > $1 group by p.telegram_user_id order by p.telegram_user_id limit $2`,
);

/** Those of whom anything is remembered and may be used, by their numbers after `afterUserId`. */
export async function listRemembered(db: Db, afterUserId: number, limit: number): Promise<Remembered[]> {
  return (await db.query(LIST_REMEMBERED, [afterUserId, limit])).map((row) => ({
    userId: integer(row, 'telegram_user_id'),
    // Built by the statement from columns that are text.
    facts: row['facts'] as Remembered['facts'],
  }));
}
