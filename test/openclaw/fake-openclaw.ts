import { randomUUID } from 'node:crypto';
import type http from 'node:http';
import { WebSocket, WebSocketServer } from 'ws';
import { reply, StubServer } from '../support/stub-server.js';
import { complete } from './fake/completions.js';
import { checkDevice } from './fake/devices.js';
import { type Challenge, type Client, type Fields, Refusal, requireAdmin } from './fake/protocol.js';
import { Sessions } from './fake/sessions.js';
import { Suspension } from './fake/suspension.js';
import { type ModelCall, Turns } from './fake/turns.js';

export const TOKEN = 'fake-token-fake-token-fake-token';

interface Args {
  readonly sessionKey: string;
  readonly limit: number;
  readonly activeOnly: boolean;
}

/** What answers an HTTP request while nothing new is taken. */
const CLOSED = {
  error: {
    message: 'Gateway is temporarily unavailable while suspending or restarting',
    ...{ type: 'service_unavailable', code: 'gateway_unavailable' },
  },
};

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
  /** Every path that was asked for over HTTP. */
  readonly paths: string[] = [];
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
  /** Whether connections can be opened, and whether turns are taken over HTTP. */
  hasWebSocket = true;
  hasCompletions = true;
  /** Called with each request before it is answered; a text other than empty refuses it, `cut` drops the connection. */
  intercept: (method: string, params: Fields) => 'cut' | Refusal | null = () => null;
  readonly suspension = new Suspension(() => this.turns.active);

  private readonly sessions = new Sessions();
  private turns = this.newTurns();
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
    this.turns.kill();
    this.turns = this.newTurns();
    this.suspension.forget();
    this.cutAll();
    await this.close();
  }

  /** Starts again as another process, which goes on by itself with what was interrupted. */
  async restart(): Promise<void> {
    this.bootId = randomUUID();
    await this.open();
    if (!this.resumes) return;
    for (const [key, session] of this.sessions.interrupted()) {
      setTimeout(() => this.turns.resume(key, session), this.resumeAfterMs);
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
    const sockets = new WebSocketServer({
      server,
      verifyClient: (_info, answer) => answer(this.hasWebSocket, 404),
    });
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

  protected async serve(
    request: http.IncomingMessage,
    response: http.ServerResponse,
    body: string,
  ): Promise<void> {
    this.headers.push(request.headers);
    this.paths.push(request.url ?? '');
    this.changed();
    const forwarded = Object.keys(request.headers).some((name) => /^(x-)?forwarded/.test(name));
    if (forwarded) reply(response, 403, { error: { type: 'proxy_attribution_required' } });
    else if (request.url === '/readyz') {
      const failing = [...this.failing, ...(this.suspension.isHeld ? ['gateway-draining'] : [])];
      reply(response, failing.length === 0 ? 200 : 503, { ready: failing.length === 0, failing });
    } else if (request.headers.authorization !== `Bearer ${TOKEN}`) {
      reply(response, 401, { error: { message: 'Unauthorized', type: 'unauthorized' } });
    } else if (this.suspension.isHeld) reply(response, 503, CLOSED, { 'retry-after': '1' });
    else if (request.url === '/tools/invoke') this.invoke(response, JSON.parse(body) as Fields);
    else if (this.hasCompletions && request.url === '/v1/models') {
      reply(response, 200, { object: 'list', data: [{ id: 'openclaw/main', object: 'model' }] });
    } else if (this.hasCompletions && request.url === '/v1/chat/completions') {
      await complete({ turns: this.turns, sessions: this.sessions }, request, response, body);
    } else reply(response, 404, 'Not Found');
  }

  /** Looks at sessions are its own; what else there is the test says. */
  private invoke(response: http.ServerResponse, call: Fields): void {
    const { sessionKey = '', limit, activeOnly } = call['args'] as Partial<Args>;
    const look = (details: Fields) => {
      const content = [{ type: 'text', text: JSON.stringify(details) }];
      reply(response, 200, { ok: true, result: { content, details } });
    };
    if (call['tool'] === 'sessions_history') look(this.sessions.toolHistory(sessionKey, limit ?? 20));
    else if (call['tool'] === 'sessions_list' && activeOnly === true) {
      const key = String(call['sessionKey']);
      look({ sessions: this.turns.runningIn(key) === undefined ? [] : [{ key }] });
    } else {
      this.toolCalls.push(call);
      this.changed();
      const [status, answer] = this.tool(call);
      if (status === 0) response.destroy();
      else reply(response, status, answer);
    }
  }

  private async receive(client: Client, challenge: Challenge, text: string): Promise<void> {
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
      this.suspension.admit(method);
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
    challenge: Challenge,
    method: string,
    params: Fields,
  ): Promise<unknown> {
    if (method === 'connect') return this.admit(client, challenge, params);
    if (!this.clients.has(client)) throw new Refusal('INVALID_REQUEST', 'connect first');
    const text = (field: string) => String(params[field]);
    switch (method) {
      case 'sessions.create':
        return this.createSession(client, params);
      case 'agent':
        return this.turns.accept(client, params);
      case 'agent.wait':
        return this.turns.wait(text('runId'), Number(params['timeoutMs']));
      case 'chat.history': {
        const key = text('sessionKey');
        return this.sessions.history(key, Number(params['limit']), this.turns.runningIn(key)?.runId);
      }
      case 'chat.abort':
        return this.turns.abort(client, text('runId'));
      case 'sessions.abort':
        return this.turns.abortSession(text('key'));
      case 'exec.approval.list':
        return this.turns.openApprovals();
      case 'exec.approval.resolve':
        return this.turns.resolveApproval(text('id'), text('decision'));
      case 'gateway.suspend.prepare':
        requireAdmin(client);
        return this.suspension.prepare(params);
      case 'gateway.suspend.resume':
        requireAdmin(client);
        return this.suspension.resume(params);
      default:
        throw new Refusal('INVALID_REQUEST', `unknown method ${method}`);
    }
  }

  private admit(client: Client, challenge: Challenge, params: Fields): Fields {
    const auth = (params['auth'] ?? {}) as Fields;
    if (auth['token'] !== TOKEN) {
      throw new Refusal('INVALID_REQUEST', 'unauthorized: gateway token mismatch', {
        details: { code: 'AUTH_TOKEN_MISMATCH' },
      });
    }
    if (this.needsDevice) checkDevice(challenge, params, this.approvedDevices);
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

  private createSession(client: Client, params: Fields): Fields {
    const { key = '', permissionMode = '', model = null } = params as Partial<Record<string, string>>;
    if (permissionMode === 'full' && !client.scopes.includes('operator.admin')) {
      throw new Refusal('FORBIDDEN', 'missing scope: operator.admin');
    }
    Object.assign(this.sessions.getOrCreate(key), { permissionMode, model });
    return { ok: true, key };
  }

  private newTurns(): Turns {
    return new Turns(
      {
        ask: async (call) => {
          this.modelCalls.push(call.message);
          this.changed();
          try {
            return await this.model(call);
          } finally {
            this.changed();
          }
        },
        tell: (event, payload, cap) => this.tell(event, payload, cap),
        ran: (command) => this.executed.push(command),
      },
      this.sessions,
    );
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
