import { Inject, Injectable } from '@nestjs/common';
import { type Host, type Job as JobView, type Service } from '../../contracts/skyclaw.js';
import { type ControlPlaneConfig } from '../config.js';
import { HostsService } from '../hosts/index.js';
import { jobView } from '../jobs/index.js';
import { HostJobs, type Job } from '../ledger/index.js';
import { CONFIG } from '../runtime/index.js';
import { ServicesReader } from '../services/index.js';

/** Where a page of the state begins: among the unfinished jobs, or among the finished ones. */
export interface StatePosition {
  readonly standing: 'unfinished' | 'finished';
  readonly beforeSeq: number;
}

export interface State {
  readonly nodeId: string;
  readonly hosts: readonly Host[];
  readonly jobs: readonly JobView[];
  readonly services: readonly Service[];
  /** Where older jobs begin; null when there are none. */
  readonly next: StatePosition | null;
}

/** Rows that one statement reads. */
const BATCH = 500;
/** Unfinished jobs of one page. */
const MOST_UNFINISHED = 10_000;
/** A page ends when the outputs of its jobs have so many characters: it must fit into a snapshot. */
const MOST_OUTPUT = 16 * 1_048_576;

/** All that is there, as the coordinators of old told each other: bounded, newest first, older jobs page by page. */
@Injectable()
export class StateService {
  constructor(
    private readonly hosts: HostsService,
    private readonly jobs: HostJobs,
    private readonly services: ServicesReader,
    @Inject(CONFIG) private readonly config: ControlPlaneConfig,
  ) {}

  /** The first page has all hosts, services and unfinished jobs, and the newest `limit` finished ones. */
  async page(from: StatePosition | null, limit: number): Promise<State> {
    const unfinished =
      from?.standing === 'finished'
        ? NOTHING
        : await this.read('unfinished', from?.beforeSeq ?? Number.MAX_SAFE_INTEGER, MOST_UNFINISHED);
    const finished =
      unfinished.next !== null
        ? NOTHING
        : await this.read(
            'finished',
            from?.standing === 'finished' ? from.beforeSeq : Number.MAX_SAFE_INTEGER,
            limit,
          );
    // One that ended between the two reads is told as it ended.
    const byId = new Map([...unfinished.jobs, ...finished.jobs].map((job) => [job.id, job]));
    const jobs = [...byId.values()].sort((a, b) =>
      a.createdAt === b.createdAt ? a.seq - b.seq : a.createdAt < b.createdAt ? -1 : 1,
    );
    return {
      nodeId: this.config.skyclaw.nodeId,
      hosts: from === null ? await this.allHosts() : [],
      jobs: jobs.map((job) => jobView(job)),
      services: from === null ? await this.services.listAll() : [],
      next: unfinished.next ?? finished.next,
    };
  }

  private async read(
    standing: StatePosition['standing'],
    beforeSeq: number,
    limit: number,
  ): Promise<{ readonly jobs: readonly Job[]; readonly next: StatePosition | null }> {
    const jobs: Job[] = [];
    let output = 0;
    for (let before = beforeSeq; ;) {
      const wanted = Math.min(BATCH, limit + 1 - jobs.length);
      const batch = await this.jobs.list(standing, before, wanted);
      for (const job of batch) {
        const isFull = jobs.length >= limit || (output > MOST_OUTPUT && jobs.length > 0);
        if (isFull) return { jobs, next: { standing, beforeSeq: jobs.at(-1)?.seq ?? before - 1 } };
        jobs.push(job);
        output += outputOf(job);
        before = job.seq;
      }
      if (batch.length < wanted) return { jobs, next: null };
    }
  }

  private async allHosts(): Promise<Host[]> {
    const all: Host[] = [];
    for (let after: Parameters<HostsService['list']>[0] = null; ;) {
      const { hosts, views } = await this.hosts.list(after, BATCH);
      all.push(...views);
      const last = hosts.at(-1);
      if (last === undefined || hosts.length < BATCH) return all;
      after = last;
    }
  }
}

const NOTHING = { jobs: [], next: null } as const;

function outputOf({ result, params }: Job): number {
  const { stdout, stderr } = result;
  const lengthOf = (value: unknown) => (typeof value === 'string' ? value.length : 0);
  return lengthOf(stdout) + lengthOf(stderr) + JSON.stringify(params).length;
}
