import { AnyObject, Integer, Text } from '../../platform/http/fields.js';

export class SubmitPublicJobRequest {
  /** What to run: `{kind: "shell", command, args, cwd, env, timeoutMs}` or `{kind: "openclaw-run", args, openclawDir, env, timeoutMs}`. */
  @AnyObject({ example: { kind: 'openclaw-run', args: ['run'] } })
  payload!: Record<string, unknown>;

  /** `{requiredCapabilities: […]}`, of those of the key; none means all of the key. */
  @AnyObject({ optional: true, nullable: true, example: { requiredCapabilities: ['openclaw'] } })
  requirement: Record<string, unknown> | null = null;
}

export class ListPublicJobsQuery {
  /** How many at most; 0 for none, negative or above 1000 for 1000. */
  @Integer({ optional: true, min: -1_000_000, max: 1_000_000 })
  limit = 200;

  /** `next_cursor` of the page before. */
  @Text({ optional: true, nullable: true, maxLength: 1_000 })
  cursor: string | null = null;
}

export class CancelPublicJobRequest {
  /** Why, for the job's error. */
  @Text({ optional: true, maxLength: 10_000 })
  reason = '';
}
