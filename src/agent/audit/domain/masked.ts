/** Parameters whose text is of no use to an audit and may hold anything: only their size is told. */
const CONTENTS = new Set(['content', 'messages', 'system', 'tools', 'prompt']);
const SECRET_NAME = /key|token|secret|password|passwd|credential|authorization/i;
/** The user information of a URL. */
const CREDENTIALS = /\b([a-z][a-z0-9+.-]*:\/\/)[^\s/@]+@/gi;
const MAX_TEXT = 500;
const MAX_DEPTH = 4;
const MAX_MEMBERS = 50;

/** Parameters as an audit may keep them: without contents and secrets, and of bounded size. */
export function masked(params: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return members(params, 0);
}

function members(fields: Readonly<Record<string, unknown>>, depth: number): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields)
      .slice(0, MAX_MEMBERS)
      .map(([name, value]) => [maskedText(name), maskedMember(name, value, depth)]),
  );
}

function maskedMember(name: string, value: unknown, depth: number): unknown {
  if (SECRET_NAME.test(name)) return '***';
  if (CONTENTS.has(name)) return sizeOf(value);
  return maskedValue(value, depth);
}

function maskedValue(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return maskedText(value);
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= MAX_DEPTH) return sizeOf(value);
  return Array.isArray(value)
    ? value.slice(0, MAX_MEMBERS).map((entry) => maskedValue(entry, depth + 1))
    : members(value as Readonly<Record<string, unknown>>, depth + 1);
}

function maskedText(text: string): string {
  const cut = text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}… (${text.length} characters)` : text;
  return cut.replace(CREDENTIALS, '$1***@').toWellFormed();
}

function sizeOf(value: unknown): string {
  return `(${(typeof value === 'string' ? value : JSON.stringify(value)).length} characters)`;
}
