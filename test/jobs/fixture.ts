import { expect } from '@jest/globals';
import { type Job } from '../../src/contracts/skyclaw.js';
import { type Reply, type TestControlPlane } from '../support/control-plane.js';
import { type Json } from '../support/json.js';

export const shell = (command = 'true', more: object = {}): object => ({ kind: 'shell', command, ...more });

/** Calls that a host or a submitter makes, over one replica. */
export class Caller {
  constructor(
    readonly api: TestControlPlane,
    private readonly headers: Record<string, string> = {},
  ) {}

  async submit(body: object = { payload: shell() }): Promise<Job> {
    const { status, body: answer } = await this.api.post('/v1/jobs', body, this.headers);
    expect({ status, answer }).toMatchObject({ status: 200, answer: { job: {} } });
    return answer.job as Job;
  }

  async register(hostId: string, more: object = {}): Promise<Json> {
    const { status, body } = await this.api.post(
      '/v1/hosts/register',
      { hostId, name: hostId, ...more },
      this.headers,
    );
    expect({ status, body }).toMatchObject({ status: 200 });
    return body;
  }

  /** The next job of a host, null when there is none. */
  async claim(hostId: string): Promise<(Job & { leaseToken: string }) | null> {
    const { status, body } = await this.api.post(`/v1/hosts/${hostId}/claim`, {}, this.headers);
    expect({ status, body }).toMatchObject({ status: 200 });
    return body.job as (Job & { leaseToken: string }) | null;
  }

  heartbeat(hostId: string, more: object = {}): Promise<Reply> {
    return this.api.post(`/v1/hosts/${hostId}/heartbeat`, more, this.headers);
  }

  complete(jobId: string, report: object): Promise<Reply> {
    return this.api.post(`/v1/jobs/${jobId}/complete`, { success: true, ...report }, this.headers);
  }

  async job(id: string): Promise<Job> {
    const { body } = await this.api.fetch(`/v1/jobs/${id}`, this.headers);
    return body.job as Job;
  }

  async host(id: string): Promise<Json> {
    return (await this.api.fetch(`/v1/hosts/${id}`, this.headers)).body.host;
  }
}
