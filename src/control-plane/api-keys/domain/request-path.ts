import { type RequestPath } from '../../../platform/http/scopes.js';

/** The parts of a request that rules look at. They may be anything that a caller can send. */
export interface RequestParts {
  readonly params: unknown;
  readonly query: unknown;
  body: unknown;
}

/** Something in a request that has a field, whether or not the field is there. */
export interface Field {
  readonly holder: Record<string, unknown>;
  readonly name: string;
}

/** The fields that a path leads to. None where what should hold them is not there, or is of another kind. */
export function fieldsAt(request: RequestParts, path: RequestPath): Field[] {
  const [part = '', ...names] = path.split('.');
  let holders: unknown[] = [request[part as keyof RequestParts]];
  for (const name of names.slice(0, -1)) {
    holders = holders.flatMap((holder) => (name === '*' ? elements(holder) : [valueOf(holder, name)]));
  }
  const last = names.at(-1) ?? '';
  return holders.flatMap((holder): Field[] => {
    if (last === '*') {
      return elements(holder).map((_, index) => ({
        holder: holder as Record<string, unknown>,
        name: String(index),
      }));
    }
    return isObject(holder) ? [{ holder, name: last }] : [];
  });
}

const elements = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const valueOf = (holder: unknown, name: string): unknown =>
  isObject(holder) && Object.hasOwn(holder, name) ? holder[name] : undefined;
