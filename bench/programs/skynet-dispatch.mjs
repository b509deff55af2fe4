// From the enqueue request to the gateway, on one clock: this process sends the one and receives the other.
import http from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { spreadOfTimes, steadily } from './serve-calls.mjs';

const arrivals = new Map();
let runs = 0;

/** A gateway that does nothing but note when an action arrives. Returns its address. */
export function openGateway() {
  const gateway = http.createServer((request, response) => {
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => {
      response.setHeader('content-type', 'application/json');
      if (request.url === '/status') return response.end('{"agent_connected":true}');
      arrivals.set(JSON.parse(Buffer.concat(chunks).toString()).task_id, performance.now());
      response.end('{"status":"success","result":{"returncode":0}}');
    });
  });
  return new Promise((done) =>
    gateway.listen(0, '127.0.0.1', () => done(`http://127.0.0.1:${gateway.address().port}`)),
  );
}

async function allArrived(ids) {
  while (![...ids].every((id) => arrivals.has(id))) await wait(10);
}

/** Hands tasks in as fast as it goes, and waits until the gateway has seen them all. @param {{ count: number }} load @param {import('./http-client.mjs').Connection[]} connections */
export async function dispatchAll({ count }, connections) {
  const run = ++runs;
  const ids = Array.from({ length: count }, (_, index) => `all-${run}-${index}`);
  const left = ids.values();
  await Promise.all(
    connections.map(async (connection) => {
      for (const id of left) await connection.post('/v1/tasks/enqueue', { task_id: id, action: 'bench' });
    }),
  );
  await allArrived(ids);
  return { done: count };
}

/** @param {{ count: number, rate: number }} load @param {import('./http-client.mjs').Connection} connection */
export async function dispatchLatency({ count, rate }, connection) {
  const run = ++runs;
  const sent = new Map();
  const began = performance.now();
  await steadily({ count, rate }, async (index) => {
    const id = `latency-${run}-${index}`;
    sent.set(id, performance.now());
    await connection.post('/v1/tasks/enqueue', { task_id: id, action: 'bench', params: { n: index } });
  });
  await allArrived(sent.keys());
  const seconds = (performance.now() - began) / 1_000;
  return { done: count, seconds, figures: spreadOfTimes([...sent].map(([id, at]) => arrivals.get(id) - at)) };
}
