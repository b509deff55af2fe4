import { type ActionResult, type LeasedFile } from '../contracts/gateway-api.js';

/** What carrying an action out needs to know of a request. Who asked, keys and leases are none of its business. */
export interface Execution {
  readonly action: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly confirmed: boolean;
  /** What the task that it belongs to has leased; absent when there is nothing to compare with. */
  readonly files?: readonly LeasedFile[];
  /** W3C trace context for its programs; absent: they are in no trace. */
  readonly traceparent?: string;
  readonly tracestate?: string;
}

/** Why actions are told to end before their time: the `reason` of the signal that tells them. */
export type HaltReason = 'emergency stop' | 'shutdown';

/** What became of an action where it was to be carried out. */
export type Answer =
  /** It ran. A failure of the command itself is a result like any other. */
  | { readonly kind: 'executed'; readonly result: ActionResult }
  /** It was refused before anything happened. */
  | { readonly kind: 'refused'; readonly error: string }
  /** It waited for its turn, was told to end, and has not begun. */
  | { readonly kind: 'halted' };
