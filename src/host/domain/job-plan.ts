import { type Job } from '../../contracts/skyclaw.js';
import {
  type CommandRules,
  REFUSED_EXIT_CODE,
  refusalOfCommand,
  refusalOfInlineCode,
} from './command-rules.js';

/** What a job asks to be run. */
export interface JobPlan {
  readonly command: string;
  readonly args: readonly string[];
  /** The folder that the payload names. */
  readonly cwd: string | undefined;
  readonly env: Readonly<Record<string, string>>;
  readonly limitMs: number;
  readonly image: string | undefined;
  readonly network: boolean;
  /** Whether the folder must lie below the work root. */
  readonly confined: boolean;
}

/** A job that does not run, and what is said of it. */
export interface Refusal {
  readonly exitCode: number;
  readonly error: string;
}

export interface JobRules extends CommandRules {
  readonly openclawCommand: string;
  /** SKYCLAW_TIMEOUT_MS */
  readonly defaultLimitMs: number;
}

const LEAST_LIMIT_MS = 1_000;
/** What a timer can wait for. */
const MOST_LIMIT_MS = 2_147_483_647;

/** What a job runs, or why it does not. */
export function planJob(job: Job, rules: JobRules): JobPlan | Refusal {
  const { payload } = job;
  const shared = {
    env: payload.env ?? {},
    limitMs: Math.min(MOST_LIMIT_MS, Math.max(LEAST_LIMIT_MS, payload.timeoutMs ?? rules.defaultLimitMs)),
    image: payload.image,
    network: payload.network === true,
    confined: isPublic(job),
  };
  switch (payload.kind) {
    case 'shell': {
      const { command, args = [], cwd } = payload;
      const error = refusalOfCommand(command, args, rules);
      return error === undefined ? { ...shared, command, args, cwd } : refused(error);
    }
    case 'openclaw-run': {
      const { args = ['run'], openclawDir } = payload;
      const command = rules.openclawCommand;
      const error = rules.denyInlineEval ? refusalOfInlineCode(command, args) : undefined;
      return error === undefined ? { ...shared, command, args, cwd: openclawDir } : refused(error);
    }
  }
}

export function isRefusal(plan: JobPlan | Refusal): plan is Refusal {
  return 'error' in plan;
}

const refused = (error: string): Refusal => ({ exitCode: REFUSED_EXIT_CODE, error });

/** Whether a job came in by the public API: its submitter is then the key's label, and it may not leave the work root. */
function isPublic({ submittedBy = '', confined = false }: Job): boolean {
  return confined || submittedBy.startsWith('public:');
}
