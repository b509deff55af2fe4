import { type LogEnd, type LogEntry, type LogLine } from '../../src/contracts/skyclaw.js';
import { type Reply, type TestControlPlane } from '../support/control-plane.js';
import { StreamClient } from '../support/event-stream.js';
import { eventually } from '../support/eventually.js';

/** A job as its host has claimed it. */
export interface Claimed {
  readonly id: string;
  readonly hostId: string;
  readonly attempts: number;
  readonly leaseToken: string;
}

export const entry = (
  seq: number,
  text = `line ${seq}\n`,
  stream: LogEntry['stream'] = 'stdout',
): LogEntry => ({
  ...{ seq, stream, text },
});

/** Hands in a job and lets a new host claim it. */
export async function aClaimedJob(api: TestControlPlane, hostId = `host-${Math.random()}`): Promise<Claimed> {
  await api.post('/v1/hosts/register', { hostId, name: hostId, capabilities: [hostId], maxParallel: 9 });
  const submitted = await api.post('/v1/jobs', {
    payload: { kind: 'shell', command: 'true' },
    requirement: { requiredCapabilities: [hostId] },
  });
  const { body } = await api.post(`/v1/hosts/${hostId}/claim`);
  if (body.job?.id !== submitted.body.job.id) throw new Error('the job was not claimed');
  return { id: body.job.id, hostId, attempts: body.job.attempts, leaseToken: body.job.leaseToken };
}

export function ship(
  api: TestControlPlane,
  { id, hostId, attempts, leaseToken }: Claimed,
  entries: readonly object[],
  more: object = {},
): Promise<Reply> {
  const body = { hostId, attempt: attempts, leaseToken, entries, ...more };
  return api.post(`/v1/jobs/${id}/logs`, body);
}

export async function complete(api: TestControlPlane, job: Claimed, more: object = {}): Promise<void> {
  const { hostId, leaseToken } = job;
  const report = { hostId, leaseToken, success: true, exitCode: 0, ...more };
  const { status, text } = await api.post(`/v1/jobs/${job.id}/complete`, report);
  if (status !== 200) throw new Error(`the job did not end: ${status} ${text}`);
}

/** A client that follows an output. */
export class LogClient {
  private constructor(readonly stream: StreamClient) {}

  static async follow(url: string, lastEventId?: string): Promise<LogClient> {
    const headers = lastEventId === undefined ? {} : { 'last-event-id': lastEventId };
    return new LogClient(await StreamClient.follow(url, headers));
  }

  get lines(): LogLine[] {
    return this.stream.frames
      .filter(({ event }) => event === 'log')
      .map(({ data = '' }) => JSON.parse(data) as LogLine);
  }

  get texts(): string[] {
    return this.lines.map(({ text }) => text);
  }

  /** Waits until so many lines have been told, and returns their texts. */
  told(count: number): Promise<string[]> {
    return eventually(`${count} lines have been told (there are ${this.lines.length})`, () =>
      Promise.resolve(this.lines.length >= count ? this.texts : undefined),
    );
  }

  /** Waits for the end of the job. */
  async end(): Promise<LogEnd> {
    const { data = '' } = await this.stream.frame('the end', ({ event }) => event === 'end');
    return JSON.parse(data) as LogEnd;
  }

  close(): void {
    this.stream.close();
  }
}
