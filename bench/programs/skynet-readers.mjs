// Readers of the log: each follows every event, by pages or as a stream.
import { setTimeout as wait } from 'node:timers/promises';
import { NotThere, spreadOfTimes } from './serve-calls.mjs';

const PAUSE_MS = 20;

let ending = false;
/** @type {Promise<unknown>[]} */
let reading = [];
/** @type {import('./http-client.mjs').Connection[]} */
let connections = [];
let seen = 0;
/** @type {number[]} */
let lags = [];

function note(events) {
  const now = Date.now();
  seen += events.length;
  for (const { created_at } of events) lags.push(now - Date.parse(created_at));
}

async function poll(connection) {
  let after = '';
  while (!ending) {
    const { events, position } = await connection.get(
      `/v1/events?limit=1000&after=${encodeURIComponent(after)}`,
    );
    note(events);
    after = position;
    if (events.length === 0) await wait(PAUSE_MS);
  }
}

async function stream(connection) {
  let rest = '';
  const status = await connection.stream('/v1/events/stream', (text) => {
    const messages = (rest + text).split('\n\n');
    rest = messages.pop() ?? '';
    const data = messages.flatMap((message) =>
      message.split('\n').filter((line) => line.startsWith('data:')),
    );
    note(data.map((line) => JSON.parse(line.slice(5))).filter(({ created_at }) => created_at !== undefined));
  });
  if (status === 404 || status === 405) throw new NotThere('not there: GET /v1/events/stream');
  if (status !== 200) throw new Error(`GET /v1/events/stream → ${status}`);
}

/** @param {{ readers: number, way: 'poll' | 'stream' }} load @param {() => import('./http-client.mjs').Connection} connect */
export async function startReaders({ readers, way }, connect) {
  ending = false;
  seen = 0;
  lags = [];
  connections = Array.from({ length: readers }, connect);
  const all = connections.map((connection) => (way === 'poll' ? poll(connection) : stream(connection)));
  if (way === 'stream') await Promise.all(all);
  reading = all;
}

/** Waits until all readers together have seen `events`, or nothing new arrives any more. @param {{ events: number }} wanted */
export async function stopReaders({ events }) {
  for (let before = -1; seen < events && seen !== before;) {
    before = seen;
    await wait(1_000);
  }
  ending = true;
  await Promise.allSettled(reading);
  await Promise.all(connections.map((connection) => connection.close()));
  const { p50_ms, p99_ms } = spreadOfTimes(lags);
  return { events_seen: seen, lag_p50_ms: p50_ms, lag_p99_ms: p99_ms };
}
