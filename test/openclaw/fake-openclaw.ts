import { createHash, createPublicKey, randomUUID, verify } from 'node:crypto';
import type http from 'node:http';
import { WebSocket, WebSocketServer } from 'ws';
import { reply, StubServer } from '../support/stub-server.js';

export const TOKEN = 'fake-token-fake-token-fake-token';

type Fields = Record<string, unknown>;

/** What the model is asked with, and what it can do meanwhile. */
export interface ModelCall {
  readonly message: string;
  readonly sessionKey: string;
  readonly signal: AbortSignal;
  /** Streams a piece of the answer. */
  readonly emit: (delta: string) => void;
  /** Runs a shell command as the permission mode allows: whether it was run. */
  readonly exec: (command: string) => Promise<boolean>;
}

interface Row {
  readonly role: 'user' | 'assistant';
  readonly content: string;
  readonly idempotencyKey?: string;
  readonly stopReason?: string;
}

/** What lies on the gateway's disk: it outlives the process. */
interface Session {
  permissionMode: string;
  model: string | null;
  readonly rows: Row[];
  /** A turn that has begun and not ended, to be resumed by the next process. */
  interrupted: { message: string; timeout: number } | null;
}

/** What a process knows of a run, and the next one does not. */
interface Run {
  readonly runId: string;
  readonly sessionKey: string;
  readonly client: Client | undefined;
  readonly abort: AbortController;
  end: Fields | null;
  readonly ended: Promise<void>;
}

interface Client {
  readonly socket: WebSocket;
  scopes: readonly string[];
  caps: readonly string[];
}

class Refusal extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly more: Fields = {},
  ) {
    super(message);
  }
}

/**
 * A gateway that behaves like OpenClaw 2026.9.6 where it matters: it runs a key once for as long as its process lives,
 * forgets keys when it is killed, goes on with interrupted turns by itself under a new run id, and keeps transcripts.
 */
export class FakeOpenClaw extends StubServer {
  /** Every question to the model, in order. */
  readonly modelCalls: string[] = [];
  /** Commands that were run. */
  readonly executed: string[] = [];
  /** Every request over the WebSocket. */
  readonly requests: { readonly method: string; readonly params: Fields }[] = [];
  readonly headers: http.IncomingHttpHeaders[] = [];
  readonly toolCalls: Fields[] = [];
  /** What the model answers; it is asked anew when a turn is resumed. */
  model: (call: ModelCall) => Promise<string> = ({ message }) => Promise.resolve(`echo: ${message}`);
  /** What a tool answers: a status and a body. */
  tool: (call: Fields) => readonly [status: number, body: unknown] = () => [
    200,
    { ok: true, result: { content: [] } },
  ];
  failing: string[] = [];
  resumes = true;
  /** How long after its start a process goes on with interrupted turns. */
  resumeAfterMs = 300;
  /** Lets in only devices that were approved. */
  needsDevice = false;
  readonly approvedDevices = new Set<string>();
  /** Called with each request before it is answered; a text other than empty refuses it, `cut` drops the connection. */
  intercept: (method: string, params: Fields) => 'cut' | Refusal | null = () => null;

  private readonly sessions = new Map<string, Session>();
  private runs = new Map<string, Run>();
  private approvals = new Map<string, { payload: Fields; answer: (decision: string) => void }>();
  private clients = new Set<Client>();
  private bootId = randomUUID();
  private readonly waiting = new Set<() => void>();

  /** A refusal as {@link intercept} gives it. */
  static refusal(code: string, message: string, more: Fields = {}): Refusal {
    return new Refusal(code, message, more);
  }

  /** Resolves when `condition` holds; looked at whenever something happens. */
  until(condition: (gateway: this) => boolean): Promise<void> {
    return new Promise((done) => {
      const look = () => {
        if (!condition(this)) return;
        this.waiting.delete(look);
        done();
      };
      this.waiting.add(look);
      look();
    });
  }

  count(method: string): number {
    return this.requests.filter((request) => request.method === method).length;
  }

  /** Dies at once, in the middle of whatever it does. What it had in memory is gone. */
  async kill(): Promise<void> {
    for (const run of this.runs.values()) run.abort.abort('killed');
    this.runs = new Map();
    this.approvals = new Map();
    this.cutAll();
    await this.close();
  }

  /** Starts again as another process, which goes on by itself with what was interrupted. */
  async restart(): Promise<void> {
    this.bootId = randomUUID();
    await this.open();
    if (!this.resumes) return;
    const interrupted = [...this.sessions].filter(([, session]) => session.interrupted !== null);
    for (const [key, session] of interrupted) {
      setTimeout(() => {
        session.rows.push({ role: 'user', content: '[System] Your previous turn was interrupted.' });
        this.begin(key, session, randomUUID(), session.interrupted ?? { message: '', timeout: 60 });
      }, this.resumeAfterMs);
    }
  }

  /** Drops every connection; turns go on. */
  cutAll(): void {
    for (const { socket } of this.clients) socket.terminate();
    this.clients.clear();
  }

  /** Says that it is about to end. */
  announceShutdown(): void {
    this.tell('shutdown', { reason: 'restart' });
  }

  protected override prepare(server: http.Server): void {
    const sockets = new WebSocketServer({ server });
    sockets.on('connection', (socket, request) => {
      this.headers.push(request.headers);
      const client: Client = { socket, scopes: [], caps: [] };
      const challenge = { nonce: randomUUID(), ts: Date.now() };
      socket.on('error', () => undefined);
      socket.on('close', () => this.clients.delete(client));
      socket.on('message', (data) => void this.receive(client, challenge, (data as Buffer).toString()));
      socket.send(JSON.stringify({ type: 'event', event: 'connect.challenge', payload: challenge }));
    });
  }

  protected serve(request: http.IncomingMessage, response: http.ServerResponse, body: string): Promise<void> {
    this.headers.push(request.headers);
    const forwarded = Object.keys(request.headers).some((name) => /^(x-)?forwarded/.test(name));
    if (forwarded) reply(response, 403, { error: { type: 'proxy_attribution_required' } });
    else if (request.url === '/readyz') {
      const ready = this.failing.length === 0;
      reply(response, ready ? 200 : 503, { ready, failing: this.failing });
    } else if (request.headers.authorization !== `Bearer ${TOKEN}`) {
      reply(response, 401, { error: { message: 'Unauthorized', type: 'unauthorized' } });
    } else if (request.url === '/tools/invoke') {
      const call = JSON.parse(body) as Fields;
      this.toolCalls.push(call);
      this.changed();
      const [status, answer] = this.tool(call);
      if (status === 0) response.destroy();
      else reply(response, status, answer);
    } else reply(response, 404, 'Not Found');
    return Promise.resolve();
  }

  private async receive(
    client: Client,
    challenge: { nonce: string; ts: number },
    text: string,
  ): Promise<void> {
    const { id, method, params } = JSON.parse(text) as { id: string; method: string; params: Fields };
    this.requests.push({ method, params });
    const answer = (frame: Fields) => {
      if (client.socket.readyState === WebSocket.OPEN)
        client.socket.send(JSON.stringify({ type: 'res', id, ...frame }));
    };
    try {
      const met = this.intercept(method, params);
      if (met === 'cut') {
        client.socket.terminate();
        return;
      }
      if (met !== null) throw met;
      answer({ ok: true, payload: await this.answerTo(client, challenge, method, params) });
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      answer({ ok: false, error: { code: error.code, message: error.message, ...error.more } });
    } finally {
      this.changed();
    }
  }

  private async answerTo(
    client: Client,
    challenge: { nonce: string; ts: number },
    method: string,
    params: Fields,
  ): Promise<unknown> {
    if (method === 'connect') return this.admit(client, challenge, params);
    if (!this.clients.has(client)) throw new Refusal('INVALID_REQUEST', 'connect first');
    switch (method) {
      case 'sessions.create':
        return this.createSession(client, params);
      case 'agent':
        return this.agent(client, params);
      case 'agent.wait':
        return this.wait(String(params['runId']), Number(params['timeoutMs']));
      case 'chat.history':
        return this.history(String(params['sessionKey']), Number(params['limit']));
      case 'chat.abort': {
        const run = this.runs.get(String(params['runId']));
        if (run !== undefined && run.client !== client && !client.scopes.includes('operator.admin')) {
          throw new Refusal('INVALID_REQUEST', 'unauthorized');
        }
        if (run?.end === null) run.abort.abort('rpc');
        return { ok: true, aborted: run !== undefined, runIds: run === undefined ? [] : [run.runId] };
      }
      case 'sessions.abort': {
        const running = this.runningIn(String(params['key']));
        running?.abort.abort('rpc');
        const session = this.sessions.get(String(params['key']));
        if (session !== undefined) session.interrupted = null;
        return { ok: true, abortedRunId: running?.runId ?? null };
      }
      case 'exec.approval.list':
        return [...this.approvals.values()].map(({ payload }) => payload);
      case 'exec.approval.resolve': {
        const approval = this.approvals.get(String(params['id']));
        if (approval === undefined) {
          throw new Refusal('INVALID_REQUEST', 'unknown or expired approval id', {
            details: { reason: 'APPROVAL_NOT_FOUND' },
          });
        }
        approval.answer(String(params['decision']));
        return { ok: true };
      }
      default:
        throw new Refusal('INVALID_REQUEST', `unknown method ${method}`);
    }
  }

  private admit(client: Client, challenge: { nonce: string; ts: number }, params: Fields): Fields {
    const auth = (params['auth'] ?? {}) as Fields;
    const device = params['device'] as Fields | undefined;
    if (auth['token'] !== TOKEN) {
      throw new Refusal('INVALID_REQUEST', 'unauthorized: gateway token mismatch', {
        details: { code: 'AUTH_TOKEN_MISMATCH' },
      });
    }
    if (this.needsDevice) this.checkDevice(challenge, params, device);
    client.scopes = params['scopes'] as string[];
    client.caps = params['caps'] as string[];
    this.clients.add(client);
    return {
      type: 'hello-ok',
      protocol: 4,
      server: { version: '2026.9.6', bootId: this.bootId },
      auth: {
        role: 'operator',
        scopes: client.scopes,
        ...(this.needsDevice ? { deviceToken: 'device-token-1' } : {}),
      },
    };
  }

  /** The proof is looked at as a real gateway does: against the key, and against the challenge of this connection. */
  private checkDevice(
    challenge: { nonce: string; ts: number },
    params: Fields,
    device: Fields | undefined,
  ): void {
    if (device === undefined) throw new Refusal('NOT_PAIRED', 'device identity required');
    const {
      id = '',
      publicKey = '',
      signature = '',
      signedAt,
      nonce,
    } = device as Partial<Record<string, string>>;
    const { id: clientId, mode, platform } = params['client'] as Record<string, string>;
    const scopes = (params['scopes'] as string[]).join(',');
    const { token } = params['auth'] as Record<string, string>;
    const payload = `v3|${id}|${clientId}|${mode}|operator|${scopes}|${challenge.ts}|${token}|${challenge.nonce}|${platform}|`;
    const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: publicKey }, format: 'jwk' });
    const isGood =
      id === createHash('sha256').update(Buffer.from(publicKey, 'base64url')).digest('hex') &&
      Number(signedAt) === challenge.ts &&
      nonce === challenge.nonce &&
      verify(null, Buffer.from(payload), key, Buffer.from(signature, 'base64url'));
    if (!isGood) throw new Refusal('INVALID_REQUEST', 'device signature invalid');
    if (!this.approvedDevices.has(id)) {
      throw new Refusal('NOT_PAIRED', 'pairing required', {
        details: { code: 'PAIRING_REQUIRED', requestId: `request-${id.slice(0, 8)}` },
      });
    }
  }

  private createSession(client: Client, params: Fields): Fields {
    const { key, permissionMode, model } = params as Record<string, string>;
    if (permissionMode === 'full' && !client.scopes.includes('operator.admin')) {
      throw new Refusal('FORBIDDEN', 'missing scope: operator.admin');
    }
    const session = this.sessions.get(key ?? '') ?? {
      permissionMode: '',
      model: null,
      rows: [],
      interrupted: null,
    };
    session.permissionMode = permissionMode ?? '';
    session.model = model ?? null;
    this.sessions.set(key ?? '', session);
    return { ok: true, key };
  }

  private agent(client: Client, params: Fields): Fields {
    const { message, sessionKey, idempotencyKey, agentId } = params as Record<string, string>;
    if (agentId === 'nobody') throw new Refusal('INVALID_REQUEST', 'unknown agent id "nobody"');
    const runId = idempotencyKey ?? '';
    const known = this.runs.get(runId);
    if (known !== undefined) return known.end ?? { runId, status: 'in_flight' };
    const session = this.sessions.get(sessionKey ?? '');
    if (session === undefined) throw new Refusal('INVALID_REQUEST', 'no such session');
    session.rows.push({ role: 'user', content: message ?? '', idempotencyKey: `${runId}:user` });
    this.begin(
      sessionKey ?? '',
      session,
      runId,
      { message: message ?? '', timeout: Number(params['timeout']) },
      client,
    );
    return { runId, status: 'accepted' };
  }

  /** Runs a turn until it ends, is aborted, or the process dies. */
  private begin(
    sessionKey: string,
    session: Session,
    runId: string,
    turn: { message: string; timeout: number },
    client?: Client,
  ): void {
    let ended!: () => void;
    const run: Run = {
      ...{ runId, sessionKey, client, abort: new AbortController(), end: null },
      ended: new Promise((done) => (ended = done)),
    };
    this.runs.set(runId, run);
    session.interrupted = turn;
    const limit = setTimeout(() => run.abort.abort('timeout'), turn.timeout * 1_000);
    const startedAt = Date.now();
    const end = (fields: Fields, row: Row | null) => {
      clearTimeout(limit);
      if (run.abort.signal.reason === 'killed') return;
      if (row !== null) session.rows.push(row);
      session.interrupted = null;
      run.end = { runId, startedAt, endedAt: Date.now(), ...fields };
      ended();
      this.changed();
    };
    const aborted = new Promise<never>((_, reject) => {
      run.abort.signal.addEventListener('abort', () => reject(new Error(String(run.abort.signal.reason))));
    });
    this.modelCalls.push(turn.message);
    const answer = this.model({
      ...{ message: turn.message, sessionKey, signal: run.abort.signal },
      emit: (delta) => this.tell('agent', { runId, sessionKey, stream: 'assistant', data: { delta } }),
      exec: (command) => this.exec(session, sessionKey, runId, command, client),
    });
    Promise.race([answer, aborted]).then(
      (text) =>
        end(
          { status: 'ok', stopReason: 'stop', terminalReply: { disposition: 'visible', text } },
          { role: 'assistant', content: text, stopReason: 'stop' },
        ),
      (error: unknown) => {
        const why = error instanceof Error ? error.message : 'unknown';
        if (why === 'rpc') end({ status: 'error', stopReason: 'rpc' }, null);
        else if (why === 'timeout') end({ status: 'timeout', error: 'Request timed out' }, null);
        else end({ status: 'error', error: why }, { role: 'assistant', content: '', stopReason: 'error' });
      },
    );
    this.changed();
  }

  private async exec(
    session: Session,
    sessionKey: string,
    runId: string,
    command: string,
    client: Client | undefined,
  ): Promise<boolean> {
    const mayAsk =
      client !== undefined &&
      client.scopes.includes('operator.admin') &&
      client.caps.includes('exec-approvals');
    let allowed = session.permissionMode === 'full';
    if (session.permissionMode === 'guarded' && mayAsk) {
      const id = randomUUID();
      const payload = {
        id,
        request: { command, cwd: '/workspace', runId, sessionKey, allowedDecisions: ['allow-once', 'deny'] },
        expiresAtMs: Date.now() + 1_800_000,
      };
      const decision = await new Promise<string>((answer) => {
        this.approvals.set(id, { payload, answer });
        this.tell('exec.approval.requested', payload, 'exec-approvals');
      });
      this.approvals.delete(id);
      this.tell('exec.approval.resolved', { id, decision, request: payload.request }, 'exec-approvals');
      allowed = decision === 'allow-once';
    }
    if (allowed) this.executed.push(command);
    return allowed;
  }

  private async wait(runId: string, timeoutMs: number): Promise<Fields> {
    const run = this.runs.get(runId);
    const late = new Promise<void>((done) => setTimeout(done, timeoutMs).unref());
    await (run === undefined ? late : Promise.race([run.ended, late]));
    return run?.end ?? { runId, status: 'timeout' };
  }

  private history(sessionKey: string, limit: number): Fields {
    const rows = this.sessions.get(sessionKey)?.rows ?? [];
    const running = this.runningIn(sessionKey);
    return {
      sessionKey,
      messages: rows.slice(-limit),
      hasMore: rows.length > limit,
      pendingInputs: { items: [], total: 0 },
      sessionInfo: { key: sessionKey, hasActiveRun: running !== undefined },
      ...(running === undefined ? {} : { inFlightRun: { runId: running.runId } }),
    };
  }

  private runningIn(sessionKey: string): Run | undefined {
    return [...this.runs.values()].find((run) => run.sessionKey === sessionKey && run.end === null);
  }

  private tell(event: string, payload: Fields, cap?: string): void {
    for (const { socket, caps } of this.clients) {
      if (cap === undefined || caps.includes(cap))
        socket.send(JSON.stringify({ type: 'event', event, payload }));
    }
    this.changed();
  }

  private changed(): void {
    for (const look of this.waiting) look();
  }
}
