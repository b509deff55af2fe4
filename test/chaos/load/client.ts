import { setTimeout as wait } from 'node:timers/promises';
import { type Json } from '../../support/json.js';

export interface Answer {
  readonly status: number;
  readonly body: Json;
}

const PATIENCE_MS = 4_000;

/** One request to one replica; rejects when there is no answer. */
export async function ask(
  url: string,
  method: 'GET' | 'POST',
  path: string,
  { body, key, patienceMs = PATIENCE_MS }: { body?: object; key?: string; patienceMs?: number } = {},
): Promise<Answer> {
  const response = await fetch(url + path, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    headers: {
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(key === undefined ? {} : { 'x-idempotency-key': key }),
    },
    signal: AbortSignal.timeout(patienceMs),
  });
  const text = await response.text();
  return { status: response.status, body: text === '' ? null : JSON.parse(text) };
}

/**
 * Sends a change to one replica after the other, under one key, until one gives an answer that counts. Null when none
 * does within the limit: then nobody knows whether it was made.
 */
export async function insist(
  urls: readonly string[],
  path: string,
  body: object,
  { key, first, limitMs }: { readonly key: string; readonly first: number; readonly limitMs: number },
): Promise<Answer | null> {
  const end = performance.now() + limitMs;
  for (let tries = first; performance.now() < end; tries++) {
    const url = urls[tries % urls.length] ?? '';
    const answer = await ask(url, 'POST', path, { body, key }).catch(() => null);
    if (answer !== null && answer.status < 500 && answer.status !== 429) return answer;
    await wait(100);
  }
  return null;
}
