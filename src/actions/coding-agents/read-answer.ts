import { type Answer, type JsonPath } from './profiles.js';

/** What an agent has said at last. */
export interface LastWord {
  readonly text: string;
  /** It says itself that it failed. */
  readonly failed: boolean;
}

/** Finds an agent's last word in what it has printed; all of it when it is not where it should be. */
export function readAnswer(printed: string, answer: Answer): LastWord {
  if (answer.format === 'text') return { text: printed, failed: false };
  const documents = answer.format === 'json' ? [printed] : printed.split('\n').reverse();
  for (const text of documents) {
    const document = parsed(text);
    if (document === undefined || !hasAll(document, answer.where ?? {})) continue;
    const texts = answer.text.map((path) => textAt(document, path)).filter((found) => found !== '');
    const failed = answer.failed !== undefined && valuesAt(document, answer.failed)[0] === true;
    return { text: texts[0] ?? printed, failed };
  }
  return { text: printed, failed: false };
}

function parsed(text: string): unknown {
  if (text.trim() === '') return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // The first line of what was kept may be half of one, and programs print what is no JSON at all.
    return undefined;
  }
}

function hasAll(document: unknown, where: Readonly<Record<string, string>>): boolean {
  return Object.entries(where).every(([name, value]) => valuesAt(document, [name])[0] === value);
}

function textAt(document: unknown, path: JsonPath): string {
  return valuesAt(document, path)
    .filter((value) => typeof value === 'string')
    .join('\n');
}

function valuesAt(value: unknown, path: JsonPath): readonly unknown[] {
  const [step, ...rest] = path;
  if (step === undefined) return [value];
  if (typeof value !== 'object' || value === null) return [];
  if (step === '*') return Array.isArray(value) ? value.flatMap((entry) => valuesAt(entry, rest)) : [];
  return Object.hasOwn(value, step) ? valuesAt((value as Record<string, unknown>)[step], rest) : [];
}
