import { type ProblemKind } from './problems.js';

/** One thing that is wrong with a request: where, what, and what was sent. */
export interface RequestIssue {
  /** A stable word, `missing`, `string_type`, `int_parsing`, …: the vocabulary that clients of the original know. */
  readonly type: string;
  /** `["body", "field"]`, `["query", "limit"]`, `["body", "dependencies", 3]`. */
  readonly loc: readonly (string | number)[];
  readonly msg: string;
  readonly input: unknown;
}

export interface ProblemOptions {
  readonly cause?: unknown;
  readonly retryAfterSeconds?: number;
  /** For `invalid-request`: all that is wrong, not the first. */
  readonly issues?: readonly RequestIssue[];
  /** Further members of the answer, in whatever envelope. */
  readonly members?: Readonly<Record<string, unknown>>;
  /** Further headers of the answer. */
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * Something the caller should hear about. Modules say what went wrong by `kind`; which status and title that is on
 * the wire is decided in `problems.ts` alone. `detail` is shown to the caller: no secrets, no SQL.
 */
export class Problem extends Error {
  readonly retryAfterSeconds: number | undefined;
  readonly issues: readonly RequestIssue[] | undefined;
  readonly members: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    readonly kind: ProblemKind,
    readonly detail: string,
    options: ProblemOptions = {},
  ) {
    super(detail, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'Problem';
    this.retryAfterSeconds = options.retryAfterSeconds;
    this.issues = options.issues;
    this.members = options.members ?? {};
    this.headers = options.headers ?? {};
  }
}
