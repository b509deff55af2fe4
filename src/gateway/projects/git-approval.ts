import { type ActionRequest } from '../../contracts/gateway-api.js';

/** What leaves the machine. */
const OUTWARD: ReadonlySet<string> = new Set(['git_push', 'gh_create_repo']);
/** Tasks of projects, those that make their folder included; whatever another caller does is his own word. */
const OF_PROJECT = /^project_[0-9a-f]{12}-/;

/** Somebody who can be asked for a yes. */
export interface Approver {
  approves(
    question: string,
    limitMs: number,
    signal: AbortSignal,
  ): Promise<'approved' | 'denied' | 'unanswered'>;
}

export interface GitApprovalOptions {
  /** Whether nobody need be asked. */
  readonly approvesGit: boolean;
  /** How long a question is open; after that the answer is no. */
  readonly gitApprovalMs: number;
}

/**
 * Why an action of a project that leaves the machine may not run; null when it may, or is no such action. Unless all of them
 * are approved beforehand the person at Telegram is asked for each.
 */
export function gitApproval(
  { approvesGit, gitApprovalMs }: GitApprovalOptions,
  approver: Approver | undefined,
): (request: ActionRequest, signal: AbortSignal) => Promise<string | null> {
  return async ({ action, params, task_id: taskId = '' }, signal) => {
    if (approvesGit || !OUTWARD.has(action) || !OF_PROJECT.test(taskId)) return null;
    if (approver === undefined) {
      return `${action} was denied: AUTO_APPROVE_GIT_ACTIONS is 0, and this gateway has no Telegram bot to ask.`;
    }
    const folder = typeof params['working_dir'] === 'string' ? params['working_dir'] : 'an unnamed folder';
    const verdict = await approver.approves(
      `May a project run ${action} in ${folder}?\n\nTask: ${taskId}`,
      gitApprovalMs,
      signal,
    );
    switch (verdict) {
      case 'approved':
        return null;
      case 'denied':
        return `${action} was denied over Telegram.`;
      case 'unanswered':
        return `${action} was denied: nobody approved it over Telegram within ${Math.round(gitApprovalMs / 1_000)} s.`;
    }
  };
}
