import { type Claimer, Foresight } from '../../src/control-plane/ledger/index.js';
import { ScriptableGateway } from '../support/scriptable-gateway.js';
import { startTestLedger, type TestLedger } from '../support/ledger.js';
import { type Json } from '../support/json.js';

export interface Call {
  readonly method: string;
  readonly path: string;
  readonly body?: Record<string, unknown>;
  readonly why: string;
}

export interface Explanation {
  readonly task_id: string;
  readonly status: string;
  readonly runnable: boolean;
  readonly summary: string;
  readonly reasons: readonly {
    readonly code: string;
    readonly message: string;
    readonly since?: string;
    readonly details: Record<string, Json>;
    readonly unblock: readonly Call[];
  }[];
  readonly never: boolean;
  readonly never_reason: string | null;
  readonly checked_at: string;
}

/** A ledger in which situations are set up, one after the other, each from nothing. */
export class Stage {
  private constructor(
    readonly ledger: TestLedger,
    readonly gateway: ScriptableGateway,
  ) {}

  static async open(): Promise<Stage> {
    const env = { SKYNET_GATEWAY_PROBE_SECS: '3600', SKYNET_CONTROL_SCHEDULER_POLL_SECS: '3600' };
    return new Stage(await startTestLedger({ env }), await ScriptableGateway.start());
  }

  get api(): TestLedger['api'] {
    return this.ledger.api;
  }

  async close(): Promise<void> {
    await this.ledger.api.close();
    await this.gateway.close();
  }

  async clear(): Promise<void> {
    await this.api.query(
      'truncate tasks, task_dependencies, file_locks, file_waits, file_conflicts, concurrency_holds, events, workers, hosts, host_slots, gateways, pauses',
    );
  }

  async worker(worker_id: string, capabilities: string[] = [], more: object = {}): Promise<void> {
    await this.api.post('/v1/register-worker', { worker_id, capabilities, ...more });
  }

  /** A worker whose heartbeat has stopped. */
  async silentWorker(worker_id: string, capabilities: string[] = []): Promise<void> {
    await this.worker(worker_id, capabilities);
    await this.api.post(`/v1/workers/${worker_id}/heartbeat`);
    await this.api.query(
      `update workers set last_heartbeat = now() - interval '2 minutes' where worker_id = $1`,
      [worker_id],
    );
  }

  async openGateway(gateway_id: string, capabilities: string[] = [], more: object = {}): Promise<void> {
    const body = { gateway_id, host: this.gateway.url, capabilities, ...more };
    const { status } = await this.api.post('/v1/register-gateway', body);
    if (status !== 200) throw new Error(`gateway ${gateway_id}: ${status}`);
  }

  /** One that is registered and does not answer. */
  offlineGateway(gateway_id: string, capabilities: string[] = []): Promise<void> {
    return this.openGateway(gateway_id, capabilities, { host: 'http://127.0.0.1:9' });
  }

  async degradedGateway(gateway_id: string): Promise<void> {
    this.gateway.ready = false;
    await this.openGateway(gateway_id);
    this.gateway.ready = true;
  }

  async add(task_id: string, more: object = {}): Promise<void> {
    const { status, text } = await this.api.post('/v1/tasks/enqueue', { task_id, action: 'act', ...more });
    if (status !== 200) throw new Error(`${task_id}: ${status} ${text}`);
  }

  /** Claims as a worker that can do anything that is named; returns the id and what proves the claim. */
  async claim(
    worker_id = 'somebody',
    more: object = {},
  ): Promise<{ id: string; proof: { worker_id: string; claim_token: string } }> {
    const { body } = await this.api.post('/v1/tasks/claim', { worker_id, ...more });
    if (!body.claimed) throw new Error('nothing to claim');
    return { id: body.task.id, proof: { worker_id, claim_token: body.task.claim_token } };
  }

  async end(
    { id, proof }: { id: string; proof: { worker_id: string; claim_token: string } },
    success = true,
  ): Promise<void> {
    await this.api.post(`/v1/tasks/${id}/start`, proof);
    const error = success ? '' : 'it broke';
    const { status } = await this.api.post(`/v1/tasks/${id}/complete`, { ...proof, success, error });
    if (status !== 200) throw new Error(`${id} did not end: ${status}`);
  }

  async host(hostId: string, capabilities: string[] = [], more: object = {}): Promise<void> {
    const body = { hostId, name: hostId, capabilities, maxParallel: 2, ...more };
    const { status } = await this.api.post('/v1/hosts/register', body);
    if (status !== 200) throw new Error(`host ${hostId}: ${status}`);
  }

  /** A host that has not been heard of for too long. */
  async silentHost(hostId: string, capabilities: string[] = []): Promise<void> {
    await this.host(hostId, capabilities);
    await this.api.query(
      `update workers set last_heartbeat = now() - interval '2 minutes' where worker_id = $1`,
      [hostId],
    );
  }

  /** An operator's word about a host. */
  async order(hostId: string, verb: string, reason = 'Patching.'): Promise<void> {
    const { status } = await this.api.post(`/v1/hosts/${hostId}/${verb}`, { reason });
    if (status !== 200) throw new Error(`${verb} ${hostId}: ${status}`);
  }

  /** Hands in a job under an id that is easy to name. */
  async job(id: string, more: Parameters<TestLedger['enqueue']>[1] = {}): Promise<void> {
    const params = { kind: 'shell', command: 'true' };
    await this.ledger.enqueue(id, { kind: 'shell', action: 'job:shell', params, ...more });
  }

  /** Claims as a host; returns the id, and what proves the claim. */
  async hostClaim(hostId: string): Promise<{ id: string; hostId: string; leaseToken: string }> {
    const { body } = await this.api.post(`/v1/hosts/${hostId}/claim`);
    if (!body.job) throw new Error(`nothing to claim for ${hostId}`);
    return { id: body.job.id, hostId, leaseToken: body.job.leaseToken };
  }

  /** Claims as the dispatcher for a gateway and begins an execution there. */
  async dispatch(gatewayId: string, capabilities: string[] = []): Promise<Dispatched> {
    const { claims, database } = this.ledger;
    const claimer: Claimer = { holder: 'dispatcher', id: 'd', gateways: [{ gatewayId, capabilities }] };
    const [task] = (await claims.claim(database, claimer, { slots: ['d'], start: true })).claimed;
    if (task === undefined) throw new Error('nothing to dispatch');
    return { taskId: task.id, workerId: task.lockedBy, claimToken: task.claimToken };
  }

  /** Ends a dispatch as its dispatcher does when it cannot tell how it went, or knows that it did not run. */
  async giveBack(
    proof: Dispatched,
    more: { restSeconds?: number; keepDispatchKey?: boolean },
  ): Promise<void> {
    await this.ledger.endings.release(this.ledger.database, proof, { reason: 'Connection lost.', ...more });
  }

  /** Pauses or resumes `queue`, `projects/x` or `gateways/x`. */
  async pause(what: string, verb: 'pause' | 'resume' = 'pause'): Promise<void> {
    const { status } = await this.api.post(
      `/v1/${what}/${verb}`,
      verb === 'pause' ? { reason: 'Later.' } : {},
    );
    if (status !== 200) throw new Error(`${verb} ${what}: ${status}`);
  }

  /** Makes a call that an explanation has named; the status that it was answered with. */
  async make({ method, path, body }: Call): Promise<number> {
    return (await this.api.call(method, path, body)).status;
  }

  async explain(id: string): Promise<Explanation> {
    const { status, body } = await this.api.fetch(`/v1/tasks/${encodeURIComponent(id)}/explain`);
    if (status !== 200) throw new Error(`explain ${id}: ${status} ${JSON.stringify(body)}`);
    return body as Explanation;
  }

  /**
   * Everybody whose claims there are: all who are registered, somebody who is not, and the dispatcher with what has room,
   * whether or not it is paused: a claim must find out.
   */
  async everybody(): Promise<{ readonly name: string; readonly claimer: Claimer }[]> {
    const { body } = await this.api.fetch('/v1/system-state');
    const hosts: string[] = (await this.api.fetch('/v1/hosts')).body.hosts.map(
      ({ id }: { id: string }) => id,
    );
    const workers = [
      ...body.workers.map((worker: { worker_id: string }) => worker.worker_id),
      'a-stranger',
    ].filter((id: string) => !hosts.includes(id));
    const busy = await this.ledger.reader.inFlightByGateway();
    const gateways = body.gateways
      .filter(({ status }: { status: string }) => ['online', 'healthy'].includes(status))
      .map(({ gateway_id, capabilities }: { gateway_id: string; capabilities: string[] }) => ({
        gatewayId: gateway_id,
        capabilities,
      }))
      .filter(({ gatewayId }: { gatewayId: string }) => (busy.get(gatewayId) ?? 0) < 8);
    return [
      ...workers.map((id: string) => ({
        name: id,
        claimer: { holder: 'worker', id, capabilities: null } as const,
      })),
      ...hosts.map((id) => ({ name: id, claimer: { holder: 'host', id } as const })),
      ...(gateways.length === 0
        ? []
        : [{ name: 'the dispatcher', claimer: { holder: 'dispatcher', id: 'd', gateways } as const }]),
    ];
  }

  /** What a claim would take, by the look at it. */
  async next(claimer: Claimer): Promise<string | null> {
    if (claimer.holder !== 'worker') {
      return (await this.api.get(Foresight).peek(this.ledger.database, claimer))?.id ?? null;
    }
    const { body } = await this.api.fetch(`/v1/tasks/next?agent_id=${encodeURIComponent(claimer.id)}`);
    return body.task?.id ?? null;
  }

  /** What a claim takes, undone at once: nothing of it is committed. */
  async claimInVain(claimer: Claimer): Promise<string | null> {
    let taken: string | null = null;
    // Jobs are started with their claim.
    const wanted = { slots: [claimer.id], start: claimer.holder === 'host' };
    const undone = new Error('undone');
    await this.ledger.database
      .transaction(async (tx) => {
        taken = (await this.ledger.claims.claim(tx, claimer, wanted)).claimed[0]?.id ?? null;
        throw undone;
      })
      .catch((error: unknown) => {
        if (error !== undone) throw error;
      });
    return taken;
  }
}

type Dispatched = Readonly<Record<'taskId' | 'workerId' | 'claimToken', string>>;
