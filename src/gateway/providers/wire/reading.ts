import { randomBytes } from 'node:crypto';
import { asObject } from '../domain/arguments.js';
import { CallFailure } from '../errors.js';

type JsonObject = Readonly<Record<string, unknown>>;

/** An answer that came, and that nobody can read, is the provider's fault like a 502. */
export const UNREADABLE = 502;

export function unreadable(what: string): CallFailure {
  return new CallFailure(UNREADABLE, `The answer cannot be read: ${what}.`);
}

/** An object inside of an answer; an empty one when it is missing or something else. */
export function objectAt(value: JsonObject, key: string): JsonObject {
  return asObject(value[key]) ?? {};
}

/** The objects of a list inside of an answer; none when it is missing or something else. */
export function objectsAt(value: JsonObject, key: string): readonly JsonObject[] {
  const list: unknown = value[key];
  if (!Array.isArray(list)) return [];
  return (list as readonly unknown[]).flatMap((entry): readonly JsonObject[] => {
    const object = asObject(entry);
    return object === undefined ? [] : [object];
  });
}

export function textAt(value: JsonObject, key: string): string | undefined {
  const text = value[key];
  return typeof text === 'string' ? text : undefined;
}

/** A count of tokens; undefined when it is missing or none. */
export function countAt(value: JsonObject, key: string): number | undefined {
  const count = value[key];
  return Number.isSafeInteger(count) && Number(count) >= 0 ? Number(count) : undefined;
}

/** Parses one event or line of a streamed answer. */
export function parseData(data: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(data);
  } catch {
    throw unreadable('a part of it is no JSON');
  }
  return bodyOf(value);
}

/** The object that an answer is. */
export function bodyOf(value: unknown): JsonObject {
  const body = asObject(value);
  if (body === undefined) throw unreadable('it is no JSON object');
  return body;
}

/** An id for a tool call of a format that has none; whoever holds the conversation keeps it from then on. */
export function newCallId(): string {
  return `call_${randomBytes(12).toString('hex')}`;
}
