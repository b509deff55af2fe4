import { type TraceContext } from './domain/trace-context.js';

/** Bounded in number and named by OpenTelemetry's conventions where there are some; ids stand here, never in a name. */
export type SpanAttributes = Readonly<Record<string, string | number | boolean>>;

export interface SpanOptions {
  /** Absent: what happens within one program. */
  readonly kind?: 'server' | 'client' | 'internal';
  /** Whose child it is; null or absent: it begins a trace. */
  readonly parent?: TraceContext | null;
  /** Another span that it has to do with. */
  readonly link?: TraceContext | null;
  readonly attributes?: SpanAttributes;
  /** When it began, in milliseconds since 1970; absent: now. */
  readonly beganAtMs?: number;
}

/** A piece of work in a trace. To be ended once; what comes later is left out. */
export interface Span {
  /** What its children name as their parent; null when there is no trace. */
  readonly context: TraceContext | null;
  set(attributes: SpanAttributes): void;
  /** It is over; `error` says why it failed, in a text without secrets. */
  end(error?: string): void;
}

/** Starts spans. Nothing here throws or waits: whoever is traced neither fails nor is slowed by it. */
export abstract class Tracer {
  /** Whether spans go anywhere. If not, a trace that others have begun is passed on as it came. */
  abstract readonly isOn: boolean;
  /** `name` is one of few: no ids in it. */
  abstract start(name: string, options?: SpanOptions): Span;
  /** Sends what is left, within a bound, and starts nothing more. May be called twice. */
  abstract close(): Promise<void>;
}

class NoTracer extends Tracer {
  readonly isOn = false;

  start(_name: string, { parent = null }: SpanOptions = {}): Span {
    return { context: parent, set: () => undefined, end: () => undefined };
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** Passes traces on, and records nothing. */
export const noTracer: Tracer = new NoTracer();
