import { type ActionResult, type LeasedFile } from '../../contracts/gateway-api.js';
import { type LeaseViolationPolicy } from '../actions.config.js';
import { cutText } from '../cut-text.js';
import { type Machine } from '../machine.js';
import { messageOf, noted } from '../results.js';
import { type Lease, leaseOf } from './domain/lease.js';
import { type Change, type Snapshot, WorkTree } from './work-tree.js';
import { type WrittenPaths } from './written-paths.js';

/** Paths of violations that a result names. */
const MAX_PATHS = 1_000;
/** Paths that its text names. */
const MAX_NAMED = 20;

/** What is looked at: a run of a program in a folder, for a task that has leased files. */
export interface Watched {
  readonly folder: string;
  readonly leased: readonly LeasedFile[];
  readonly policy: LeaseViolationPolicy;
  readonly machine: Machine;
  /** What other actions write there meanwhile. */
  readonly written: WrittenPaths;
  /** Fires when everything has to end. */
  readonly signal: AbortSignal;
  /** A folder for what the look needs. */
  readonly scratch: string;
}

/**
 * Looks at what an action writes, and compares it with the lease of its task. Sees what is in the repository of the
 * action and is not ignored by git.
 */
export class LeaseWatch {
  private constructor(
    private readonly watched: Watched,
    private readonly tree: WorkTree,
    private readonly lease: Lease,
    private readonly before: Snapshot,
    private readonly others: ReturnType<WrittenPaths['watch']>,
  ) {}

  /** Begins to look; throws when nothing could be compared. */
  static async begin(watched: Watched): Promise<LeaseWatch> {
    const { folder, leased, machine, scratch, written } = watched;
    const tree = await WorkTree.open(folder, machine, scratch);
    if (tree === null) throw new Error(`${folder} is not in a git repository`);
    const others = written.watch();
    try {
      const before = await tree.snapshot();
      return new LeaseWatch(watched, tree, leaseOf(leased, tree.root), before, others);
    } catch (error) {
      others.end();
      throw error;
    }
  }

  /** The result of the run with what it wrote outside of the lease, after the policy has had its way. */
  async settle(run: () => Promise<ActionResult>): Promise<ActionResult> {
    try {
      return await this.settled(await run());
    } finally {
      this.others.end();
    }
  }

  private async settled(result: ActionResult): Promise<ActionResult> {
    try {
      // Who stops everything wants nothing else to happen; what was written stays for him to see.
      if (this.watched.signal.aborted)
        return noted(result, 'What was written was not compared with the lease.');
      const violations = await this.violations();
      if (violations.length === 0) return result;
      return {
        ...(await this.judged(result, violations)),
        lease_violations: violations.slice(0, MAX_PATHS).map(({ path }) => path),
      };
    } catch (error) {
      return notCompared(result, error, this.watched.policy);
    }
  }

  private async judged(result: ActionResult, violations: readonly Change[]): Promise<ActionResult> {
    const wrote = `Written outside of the lease: ${named(violations)}.`;
    switch (this.watched.policy) {
      case 'report':
        return noted(result, wrote);
      case 'fail':
        return noted(asFailure(result), wrote);
      case 'revert': {
        const problem = await this.tree.putBack(violations, this.before).then(
          () => '',
          (error: unknown) => ` ${messageOf(error)}`,
        );
        const left = await this.violations();
        return left.length === 0
          ? noted(result, `${wrote} It was put back.`)
          : noted(asFailure(result), `${wrote} It could not be put back: ${named(left)}.${problem}`);
      }
    }
  }

  private async violations(): Promise<Change[]> {
    const after = await this.tree.snapshot();
    const changes = await this.tree.changes(this.before.tree, after.tree);
    return changes.filter(
      ({ path }) => !this.lease.covers(path) && !this.others.paths.has(`${this.tree.root}/${path}`),
    );
  }
}

/** The result of an action whose writes could not be compared: a failure, unless violations are only reported. */
export function notCompared(
  result: ActionResult,
  error: unknown,
  policy: LeaseViolationPolicy,
): ActionResult {
  const why = `What was written could not be compared with the lease: ${messageOf(error)}.`;
  return noted(policy === 'report' ? result : asFailure(result), why);
}

function asFailure(result: ActionResult): ActionResult {
  return result.returncode === 0 ? { ...result, returncode: 1 } : result;
}

function named(changes: readonly Change[]): string {
  const names = changes.slice(0, MAX_NAMED).map(({ path }) => cutText(path, 100));
  const more = changes.length - names.length;
  return [...names, ...(more === 0 ? [] : [`and ${more} more`])].join(', ');
}
