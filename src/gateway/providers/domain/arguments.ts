/**
 * The arguments of a tool call as the object that some formats want. Models now and then write what is none: that is
 * handed on as `{"value": …}`, so that they see what they wrote.
 */
export function argumentsObject(text: string): Readonly<Record<string, unknown>> {
  if (text.trim() === '') return {};
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { value: text };
  }
  return asObject(value) ?? { value };
}

/** A value that is an object and no list; undefined when it is not. */
export function asObject(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : undefined;
}
