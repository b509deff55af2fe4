// A pull worker: claims, starts, leaves its trace, works for a while and reports; again and again until it is killed.
import { randomUUID } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';

const [name, urlList, traces, lanes] = process.argv.slice(2);
const urls = urlList.split(',');
const PATIENCE_MS = 4_000;
const MOST_TRIES = 40;

async function post(url, path, body, key) {
  const response = await fetch(url + path, {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json', 'x-idempotency-key': key },
    signal: AbortSignal.timeout(PATIENCE_MS),
  });
  return { status: response.status, body: await response.json() };
}

/** Asks one replica after the other until one gives an answer that counts; null when none does. */
async function insist(path, body) {
  const key = randomUUID();
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    try {
      const answer = await post(urls[(tries + key.charCodeAt(0)) % urls.length], path, body, key);
      if (answer.status < 500 && answer.status !== 429) return answer;
    } catch {
      // Whether it arrived is not known: the same key goes to the next.
    }
    await wait(50 + Math.random() * 100);
  }
  return null;
}

async function lane(number) {
  const worker_id = `${name}-${number}`;
  for (;;) {
    const claim = await insist('/v1/tasks/claim', { worker_id, capabilities: [] });
    const task = claim?.body.task;
    if (task === null || task === undefined) {
      await wait(100 + Math.random() * 200);
      continue;
    }
    const proof = { worker_id, claim_token: task.claim_token };
    const started = await insist(`/v1/tasks/${task.id}/start`, proof);
    if (started?.status !== 200) continue;
    appendFileSync(traces, `pull ${task.id} ${task.claim_token}\n`);
    await wait(Math.random() * 250);
    const chance = Math.random();
    if (chance < 0.05) await insist(`/v1/tasks/${task.id}/release`, proof);
    else await insist(`/v1/tasks/${task.id}/complete`, { ...proof, success: chance < 0.97 });
  }
}

await Promise.all(Array.from({ length: Number(lanes) }, (_, number) => lane(number)));
