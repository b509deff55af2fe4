import type http from 'node:http';
import {
  type ActiveService,
  type Assignment,
  type CompleteJobRequest,
  type HeartbeatRequest,
  type Job,
  type JobPayload,
  type LogEntry,
  type RegisterHostRequest,
  type ReportServiceRequest,
  type Service,
} from '../../src/contracts/skyclaw.js';
import { eventually } from '../support/eventually.js';
import { type Json } from '../support/json.js';
import { reply, StubServer } from '../support/stub-server.js';

export interface SeenRequest {
  readonly path: string;
  readonly key: string;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Json;
  readonly at: number;
}

interface Answer {
  readonly status: number;
  readonly body: object;
}

/** What a coordinator says instead of what it would: an answer, silence, or an answer that it gives and loses. */
export type Interference = Answer | 'drop' | 'do-and-drop' | 'do-and-dawdle' | undefined;

const now = () => new Date().toISOString();

/**
 * A coordinator of the tests' own. It speaks the wire shapes, keeps everything it was told, refuses what no host may
 * send, and does what the test says: lose answers, forget hosts, give a host the same job again.
 */
export class ScriptableCoordinator extends StubServer {
  readonly seen: SeenRequest[] = [];
  /** What is wrong with what hosts have sent; a test ends by looking that it is empty. */
  readonly complaints: string[] = [];
  readonly completions: (CompleteJobRequest & { readonly jobId: string; readonly at: number })[] = [];
  /** Completions of attempts that were over. */
  lateCompletions = 0;
  readonly reports: (ReportServiceRequest & { readonly serviceId: string })[] = [];
  readonly registrations: RegisterHostRequest[] = [];
  readonly logs = new Map<string, (LogEntry & { readonly attempt: string })[]>();
  /** Of the next heartbeats' answers. */
  stopServices: string[] = [];
  stopReplicas: ActiveService[] = [];
  stopJobs: string[] = [];
  token: string | undefined;
  hostToken: string | undefined;
  /** Whether it keeps a claim open until there is work, as newer ones do. */
  waits = false;
  interfere: (request: SeenRequest) => Interference | Promise<Interference> = () => undefined;
  private readonly queue: Job[] = [];
  private readonly jobIds = new Set<string>();
  private readonly held = new Map<string, Job>();
  private readonly offered: Service[] = [];
  private readonly hosts = new Set<string>();
  private readonly answers = new Map<string, { readonly hash: string; readonly answer: Answer }>();
  private readonly wakers = new Set<() => void>();
  private count = 0;

  override async close(): Promise<void> {
    this.wake();
    await super.close();
  }

  /** Puts a job into the queue and gives its id. */
  enqueue(payload: JobPayload, more: Partial<Job> = {}): string {
    this.count += 1;
    const job: Job = {
      id: `job_${this.count}`,
      payload,
      requirement: { requiredCapabilities: [] },
      status: 'leased',
      priority: 0,
      dependencies: [],
      attempts: 1,
      leaseToken: `lease-${this.count}`,
      createdAt: now(),
      updatedAt: now(),
      updatedBy: 'test',
      version: 1,
      ...more,
    };
    this.jobIds.add(job.id);
    this.queue.push(job);
    this.wake();
    return job.id;
  }

  shell(command: string, args: readonly string[], more: object = {}): string {
    return this.enqueue({ kind: 'shell', command, args, ...more });
  }

  /** Runs shell text as a job and gives what it was completed with. */
  async run(script: string, more: object = {}): Promise<CompleteJobRequest> {
    return this.completion(this.shell('sh', ['-c', script], more));
  }

  completion(jobId: string): Promise<CompleteJobRequest & { readonly at: number }> {
    return eventually(
      `${jobId} is completed`,
      () => Promise.resolve(this.completions.find((completion) => completion.jobId === jobId)),
      20_000,
    );
  }

  /** Offers a service, in a generation, to whoever claims next. */
  deploy(
    id: string,
    spec: Partial<Service> & Pick<Service, 'command'>,
    generation = 1,
    restarts = 0,
    slot = 0,
  ): void {
    const hostId = [...this.hosts][0] ?? '';
    const assignment: Assignment = {
      hostId,
      slot,
      status: 'pending',
      updatedAt: now(),
      generation,
      restarts,
    };
    this.offered.push({
      id,
      name: id,
      args: [],
      replicas: 1,
      requiredCapabilities: ['service-host'],
      status: 'pending',
      generation,
      assignments: [assignment],
      createdAt: now(),
      updatedAt: now(),
      updatedBy: 'test',
      version: 1,
      ...spec,
    });
  }

  report(
    serviceId: string,
    status: string,
    matches: (report: ReportServiceRequest) => boolean = () => true,
  ): Promise<ReportServiceRequest> {
    return eventually(
      `${serviceId} is reported ${status}`,
      () =>
        Promise.resolve(
          this.reports.find((one) => one.serviceId === serviceId && one.status === status && matches(one)),
        ),
      20_000,
    );
  }

  /** Waits until a host has registered, `times` times in all. */
  registered(times = 1): Promise<RegisterHostRequest> {
    return eventually(`a host has registered ${times} times`, () =>
      Promise.resolve(this.registrations[times - 1]),
    );
  }

  to(pattern: RegExp): readonly SeenRequest[] {
    return this.seen.filter(({ path }) => pattern.test(path));
  }

  heartbeat(matches: (body: HeartbeatRequest) => boolean, since = 0): Promise<HeartbeatRequest> {
    return eventually('a heartbeat says so', () =>
      Promise.resolve(
        this.to(/\/heartbeat$/)
          .filter(({ at }) => at >= since)
          .map(({ body }) => body as HeartbeatRequest)
          .find(matches),
      ),
    );
  }

  text(path: string, stream: string): string {
    return (this.logs.get(path) ?? [])
      .filter((entry) => entry.stream === stream)
      .map(({ text }) => text)
      .join('');
  }

  /** Forgets all hosts, as after a loss of data. */
  forgetHosts(): void {
    this.hosts.clear();
  }

  private wake(): void {
    for (const waker of this.wakers) waker();
  }

  protected async serve(
    request: http.IncomingMessage,
    response: http.ServerResponse,
    text: string,
  ): Promise<void> {
    const key = String(request.headers['x-idempotency-key'] ?? '');
    const path = request.url ?? '';
    const seen = {
      path,
      key,
      headers: request.headers,
      body: JSON.parse(text),
      at: performance.now(),
    };
    this.seen.push(seen);
    if (key === '') this.complaints.push(`${path} has no idempotency key`);
    if (request.method !== 'POST') this.complaints.push(`${request.method ?? ''} ${path}`);
    const interference = await this.interfere(seen);
    if (interference === 'drop') {
      response.socket?.destroy();
      return;
    }
    if (typeof interference === 'object') {
      reply(response, interference.status, interference.body);
      return;
    }
    const answer = await this.once(seen, text, () => response.destroyed);
    if (interference === 'do-and-dawdle') await new Promise((done) => setTimeout(done, 30));
    if (interference === 'do-and-drop') response.socket?.destroy();
    else reply(response, answer.status, answer.body);
  }

  /** The same key gets the same answer; failures are not kept. */
  private async once(seen: SeenRequest, text: string, isGone: () => boolean): Promise<Answer> {
    const hash = seen.path + text;
    const known = this.answers.get(seen.key);
    if (known !== undefined && this.isStillHeld(known.answer.body)) {
      return known.hash === hash
        ? known.answer
        : { status: 409, body: { error: `idempotency key reuse conflict for route ${seen.path}` } };
    }
    const answer = await this.answer(seen, isGone);
    if (answer.status === 200) this.answers.set(seen.key, { hash, answer });
    return answer;
  }

  /** A claim that is asked for again is answered the same only while what it gave is held; otherwise the key is new. */
  private isStillHeld(answer: Json): boolean {
    const { id, leaseToken } = answer.job ?? {};
    return leaseToken === undefined || this.held.get(id as string)?.leaseToken === leaseToken;
  }

  private async answer({ path, headers, body }: SeenRequest, isGone: () => boolean): Promise<Answer> {
    if (this.token !== undefined && headers['x-skyclaw-token'] !== this.token)
      return refused(401, 'unauthorized');
    if (path === '/v1/hosts/register') return this.register(body as RegisterHostRequest, headers);
    const [, , family, rawId = '', verb = '', more] = path.split('/');
    const id = decodeURIComponent(rawId);
    if (family === 'hosts') {
      if (!this.hosts.has(id)) return refused(404, `unknown host: ${id}`);
      if (this.hostToken !== undefined && headers['x-skyclaw-host-token'] !== this.hostToken) {
        return refused(401, 'unauthorized');
      }
      if (verb === 'heartbeat') {
        return ok({
          host: { id },
          stopServices: this.stopServices,
          stopReplicas: this.stopReplicas,
          stopJobs: this.stopJobs,
        });
      }
      if (verb === 'claim') return ok({ job: await this.claim(Number(body.wait_ms ?? 0), isGone) });
      if (verb === 'services' && more === 'claim') return ok(this.claimService(id));
    }
    if (family === 'jobs' && verb === 'complete') {
      if (!this.hosts.has(body.hostId as string)) return refused(404, `unknown host: ${String(body.hostId)}`);
      const job = this.held.get(id);
      if (this.jobIds.has(id) && job?.leaseToken !== body.leaseToken) {
        this.lateCompletions += 1;
        return refused(409, `job ${id} is assigned to nobody`);
      }
      this.completions.push({ ...(body as CompleteJobRequest), jobId: id, at: performance.now() });
      return ok({ job: { id } });
    }
    if ((family === 'jobs' || family === 'services') && verb === 'logs')
      return this.append(`${family}/${id}`, body);
    if (family === 'services' && verb === 'report') {
      this.reports.push({ ...(body as ReportServiceRequest), serviceId: id });
      return ok({ service: { id } });
    }
    return refused(404, 'not found');
  }

  private register(body: RegisterHostRequest, headers: http.IncomingHttpHeaders): Answer {
    const id = body.hostId ?? 'host_given';
    if (this.hostToken !== undefined && this.registrations.some((one) => one.hostId === id)) {
      if (headers['x-skyclaw-host-token'] !== this.hostToken) return refused(401, 'unauthorized');
    }
    if (typeof body.name !== 'string' || !Array.isArray(body.activeJobs))
      this.complaints.push('a bad registration');
    this.registrations.push(body);
    this.hosts.add(id);
    // What a daemon does not name any more goes back, in a new attempt.
    for (const job of this.held.values()) {
      if (body.activeJobs?.includes(job.id) === true) continue;
      this.held.delete(job.id);
      this.queue.push({ ...job, attempts: job.attempts + 1, leaseToken: `${job.leaseToken ?? ''}+` });
    }
    return ok({ host: { id }, ...(this.hostToken === undefined ? {} : { hostToken: this.hostToken }) });
  }

  private async claim(waitMs: number, isGone: () => boolean): Promise<Job | null> {
    if (this.queue.length === 0 && this.waits && waitMs > 0) {
      await new Promise<void>((done) => {
        const finish = () => {
          clearTimeout(timer);
          this.wakers.delete(finish);
          done();
        };
        const timer = setTimeout(finish, waitMs);
        this.wakers.add(finish);
      });
    }
    const job = isGone() ? undefined : this.queue.shift();
    if (job !== undefined) this.held.set(job.id, job);
    return job ?? null;
  }

  private claimService(hostId: string): object {
    const service = this.offered.shift();
    if (service === undefined) return { service: null };
    const assignments = service.assignments.map((one) => ({ ...one, hostId }));
    return { service: { ...service, assignments }, slot: assignments[0]?.slot };
  }

  private append(path: string, body: Json): Answer {
    const kept = this.logs.get(path) ?? [];
    this.logs.set(path, kept);
    // Numbers begin anew with each process.
    const attempt = JSON.stringify([body.slot, body.generation, body.attempt]);
    for (const entry of body.entries as LogEntry[]) {
      const last = kept.filter((one) => one.attempt === attempt).at(-1)?.seq ?? 0;
      // A service's host may have died with a batch.
      if (entry.seq > last + 1 && path.startsWith('jobs/'))
        this.complaints.push(`${path} skips from ${last} to ${entry.seq}`);
      if (entry.text.length > 65_536) this.complaints.push(`${path} sends ${entry.text.length} characters`);
      if (entry.seq > last) kept.push({ ...entry, attempt });
    }
    return ok({ ok: true, lastSeq: kept.at(-1)?.seq ?? 0, full: false });
  }
}

const ok = (body: object): Answer => ({ status: 200, body });
const refused = (status: number, error: string): Answer => ({ status, body: { error } });
