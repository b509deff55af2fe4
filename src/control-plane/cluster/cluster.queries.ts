import { type Db, type Tx } from '../../platform/database/database.js';
import { text } from '../../platform/database/row.js';
import { statement } from '../../platform/database/statement.js';

/** A replica is taken for alive so long after it was last heard of. */
const ALIVE = `interval '30 seconds'`;
/** And forgotten after so long. */
const FORGOTTEN = `interval '10 minutes'`;
/** An address that is not announced again is told of for so long. */
const REMEMBERED = `interval '24 hours'`;
/** Addresses that are kept at once. */
export const MOST_PEERS = 256;

/** A sign of life is not worth waiting for the disk or a standby; a standby that is stuck must not make a replica look dead. */
const NO_WAIT = statement('cluster.noWait', `select set_config('synchronous_commit', 'off', true)`);

const BEAT = statement(
  'cluster.beat',
  `with silent as (delete from replicas r where r.last_seen_at < now() - ${FORGOTTEN} and r.replica <> $1)
   insert into replicas as r (replica, node_id, public_url, own_clock_at) values ($1, $2, $3, $4)
   on conflict (replica) do update set last_seen_at = now(), own_clock_at = excluded.own_clock_at`,
);

export interface ReplicaSelf {
  /** Names the process. */
  readonly replica: string;
  readonly nodeId: string;
  readonly publicUrl: string | null;
}

/** A sign of life of a replica, with what its own clock says. Forgets those that have been silent for long. */
export async function beat(tx: Tx, { replica, nodeId, publicUrl }: ReplicaSelf): Promise<void> {
  await tx.query(NO_WAIT);
  await tx.query(BEAT, [replica, nodeId, publicUrl, new Date()]);
}

const LEAVE = statement('cluster.leave', 'delete from replicas r where r.replica = $1');

/** A replica ends. */
export async function leave(tx: Tx, replica: string): Promise<void> {
  await tx.query(NO_WAIT);
  await tx.query(LEAVE, [replica]);
}

const LIST_URLS = statement(
  'cluster.listUrls',
  `select r.public_url as url from replicas r
   where r.public_url is not null and r.last_seen_at > now() - ${ALIVE} and r.replica <> $1
   union
   select p.url from peers p where p.joined_at > now() - ${REMEMBERED}`,
);

/** Where the other live replicas are, and what has been announced. */
export async function listUrls(db: Db, replica: string): Promise<string[]> {
  return (await db.query(LIST_URLS, [replica])).map((row) => text(row, 'url'));
}

const LOCK_PEERS = statement(
  'cluster.lockPeers',
  `select pg_advisory_xact_lock(7205, hashtext('cluster.peers'))`,
);

const JOIN = statement(
  'cluster.join',
  `insert into peers as p (url) values ($1) on conflict (url) do update set joined_at = clock_timestamp()`,
);

const DROP_OLD = statement(
  'cluster.dropOldPeers',
  `delete from peers p where p.joined_at <= now() - ${REMEMBERED}
     or p.url in (select old.url from peers old order by old.joined_at desc, old.url offset ${MOST_PEERS})`,
);

/** Keeps an address, or keeps it for longer. When there are too many, those that were announced longest ago are dropped. */
export async function join(tx: Tx, url: string): Promise<void> {
  await tx.query(LOCK_PEERS);
  await tx.query(JOIN, [url]);
  await tx.query(DROP_OLD);
}
