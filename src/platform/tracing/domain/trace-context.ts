/**
 * Where something stands in a trace, as W3C Trace Context writes it: the trace, the span that is the parent of what comes
 * next, and what tracing systems on the way have added. Always in its normal form, so it may go into a header, a column or
 * an environment as it is.
 */
export interface TraceContext {
  /** Version 00, always 55 characters. */
  readonly traceparent: string;
  /** At most {@link MAX_TRACESTATE} characters of printable ASCII; null: nobody has added anything. */
  readonly tracestate: string | null;
}

/** A trace context as messages carry it: fields that are left out when there is nothing to say. */
export interface TraceFields {
  readonly traceparent?: string;
  readonly tracestate?: string;
}

/** The parts of a {@link TraceContext.traceparent}. */
export interface SpanIds {
  readonly traceId: string;
  readonly spanId: string;
  /** The flags: the lowest bit says that the trace is recorded. */
  readonly flags: number;
}

/** What a `traceparent` is read from at most: later versions may be longer than ours. */
const MAX_TRACEPARENT = 512;
/** What is kept of a `tracestate`: as much as everybody has to pass on. */
export const MAX_TRACESTATE = 512;
/** So many entries a `tracestate` may have. */
const MAX_ENTRIES = 32;
/** Of the flags those that mean something: recorded, and a trace id that is random. */
const KNOWN_FLAGS = 0b11;

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const ENTRY =
  /^(?:[a-z][a-z0-9_*/-]{0,255}|[a-z0-9][a-z0-9_*/-]{0,240}@[a-z][a-z0-9_*/-]{0,13})=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]$/;

/**
 * Reads what somebody sent, in the fields of a message or in headers; null when it is no trace context, which is then left out as the standard wants it, never an
 * error. A `tracestate` that cannot be read is dropped alone.
 */
export function readTraceContext(fields: object): TraceContext | null {
  const { traceparent, tracestate } = fields as { readonly [Name in keyof TraceFields]: unknown };
  const ids = readTraceparent(traceparent);
  if (ids === null) return null;
  return { traceparent: traceparentOf(ids), tracestate: readTracestate(tracestate) };
}

/** The ids in a trace context. */
export function idsOf({ traceparent }: TraceContext): SpanIds {
  const ids = readTraceparent(traceparent);
  if (ids === null) throw new TypeError('A trace context without ids.');
  return ids;
}

/** The text for ids: `00-<trace>-<span>-<flags>`. */
export function traceparentOf({ traceId, spanId, flags }: SpanIds): string {
  return `00-${traceId}-${spanId}-${(flags & KNOWN_FLAGS).toString(16).padStart(2, '0')}`;
}

/** What a line of a log says of it: nothing where there is no trace. */
export function traceOfLine(context: TraceContext | null): { readonly traceId?: string } {
  return context === null ? {} : { traceId: idsOf(context).traceId };
}

/** A trace context as fields of a message, or as headers. */
export function traceFields(context: TraceContext | null): TraceFields {
  if (context === null) return {};
  const { traceparent, tracestate } = context;
  return tracestate === null ? { traceparent } : { traceparent, tracestate };
}

/** The same as variables of a child's environment. */
export function traceEnvironment(context: TraceContext | null): Record<string, string> {
  if (context === null) return {};
  const { traceparent, tracestate } = context;
  return { TRACEPARENT: traceparent, ...(tracestate === null ? {} : { TRACESTATE: tracestate }) };
}

function readTraceparent(value: unknown): SpanIds | null {
  if (typeof value !== 'string' || value.length > MAX_TRACEPARENT) return null;
  const [, version = '', traceId = '', spanId = '', flags = '', rest] = TRACEPARENT.exec(value.trim()) ?? [];
  if (version === '' || version === 'ff' || (version === '00' && rest !== undefined)) return null;
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return null;
  return { traceId, spanId, flags: Number.parseInt(flags, 16) };
}

/** The entries that fit, the newest first; null when there is none, or one that is none. */
function readTracestate(value: unknown): string | null {
  if (typeof value !== 'string' || value.length > MAX_TRACESTATE * MAX_ENTRIES) return null;
  const entries = value
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');
  if (entries.length > MAX_ENTRIES || !entries.every((entry) => ENTRY.test(entry))) return null;
  while (entries.join(',').length > MAX_TRACESTATE) entries.pop();
  return entries.length === 0 ? null : entries.join(',');
}
