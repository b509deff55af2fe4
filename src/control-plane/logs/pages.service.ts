import { Injectable } from '@nestjs/common';
import { type JobResult, type LogEnd, type LogLine } from '../../contracts/skyclaw.js';
import { Database } from '../../platform/database/database.js';
import { Problem } from '../../platform/problems/problem.js';
import { isoTime, jobNotFound, JobsService, jobStatus } from '../jobs/index.js';
import { type Job } from '../ledger/index.js';
import { type Place, type Subject } from './domain/subject.js';
import { findHead, hasShipped, type KeptEntry, listEntries } from './logs.queries.js';
import { ServicesReader } from '../services/index.js';

/** A line and the place behind it. */
export interface PlacedLine {
  readonly line: LogLine;
  readonly at: Place;
}

/** What comes behind a place. */
export interface Page {
  readonly lines: readonly PlacedLine[];
  /** Behind the last of them. */
  readonly at: Place;
  /** There is more already. */
  readonly more: boolean;
  /** How the job ended, once nothing more can come. */
  readonly end: LogEnd | null;
}

/** Reads outputs. */
@Injectable()
export class PagesService {
  constructor(
    private readonly database: Database,
    private readonly jobs: JobsService,
    private readonly services: ServicesReader,
  ) {}

  /** Up to `limit` lines behind a place. Throws when the job or service is not there (any more). */
  async read(subject: Subject, after: Place, limit: number): Promise<Page> {
    // The state first: what is read after it has ended is all that there will be.
    const job = await this.require(subject);
    const found = await listEntries(this.database, subject, after.position, limit + 1);
    const kept = found.slice(0, limit);
    const lines: PlacedLine[] = kept.map((entry) => ({
      line: lineOf(entry),
      at: { position: entry.position, ofResult: 0 },
    }));
    const at = lines.at(-1)?.at ?? after;
    // A page may also be short because its texts are long.
    const more = found.length > 0 && (found.length > limit || (await this.isBehind(subject, at)));
    const hasEnded = job?.completedAt != null;
    if (job === null || !hasEnded || more) return { lines, at, more, end: null };
    const rest = await this.fromResult(job, at);
    return { lines: [...lines, ...rest], at: rest.at(-1)?.at ?? at, more: false, end: endOf(job) };
  }

  /** Whether something of an output is missing. */
  async isCut(subject: Subject): Promise<boolean> {
    return (await findHead(this.database, subject)).isCut;
  }

  private async isBehind(subject: Subject, { position }: Place): Promise<boolean> {
    return (await findHead(this.database, subject)).lastPosition > position;
  }

  private async require({ kind, id }: Subject): Promise<Job | null> {
    if (kind === 'service') {
      if ((await this.services.hostsOf(this.database, id)) === null)
        throw new Problem('service-not-found', 'service not found');
      return null;
    }
    const job = await this.jobs.find(id);
    if (job === null) throw jobNotFound();
    return job;
  }

  /** What an ended job's result says of its output, where its host has shipped nothing of the attempt. */
  private async fromResult(job: Job, after: Place): Promise<PlacedLine[]> {
    const { assignedHostId: hostId, attempts: attempt } = job;
    if (!('finishedAt' in job.result) || hostId === null) return [];
    const { stdout, stderr, finishedAt } = job.result as unknown as JobResult;
    if (await hasShipped(this.database, job.id, { hostId, attempt })) return [];
    const printed = { attempt, hostId, at: finishedAt };
    return [
      { seq: 1, stream: 'stdout' as const, text: stdout, ...printed },
      { seq: 2, stream: 'stderr' as const, text: stderr, ...printed },
    ]
      .map((line) => ({ line, at: { position: after.position, ofResult: 2 * (attempt - 1) + line.seq } }))
      .filter(({ line, at }) => at.ofResult > after.ofResult && line.text !== '');
  }
}

function lineOf({ seq, stream, text, attempt, hostId, slot, at }: KeptEntry): LogLine {
  return { seq, stream, text, attempt, hostId, ...(slot === 0 ? {} : { slot }), at: isoTime(at) };
}

function endOf(job: Job): LogEnd {
  const exitCode = job.result['exitCode'];
  return {
    status: jobStatus(job.status),
    exitCode: typeof exitCode === 'number' ? exitCode : null,
    ...(job.error === '' ? {} : { error: job.error }),
  };
}
