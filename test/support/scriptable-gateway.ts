import type http from 'node:http';
import { reply, StubServer } from './stub-server.js';

/** A request as it arrived, whatever it asked for. */
export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: http.IncomingHttpHeaders;
}

/** An answer to `GET /status`. */
export interface StatusAnswer {
  readonly status: number;
  readonly body: unknown;
}

export interface SeenAction {
  readonly action: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly confirmed: boolean;
  readonly task_id: string;
  readonly idempotency_key: string;
  readonly lease_number?: number;
  readonly files?: readonly { readonly path: string; readonly mode: string }[];
  readonly receivedAt: number;
}

/** What the gateway does with one request, beside counting it. */
export type Behaviour =
  /** Executes, or replays what the key has come to. */
  | { readonly kind: 'execute'; readonly answer?: object }
  /** Executes, then closes the connection without an answer. */
  | { readonly kind: 'execute-and-drop' }
  /** Answers with a status, executing nothing. */
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly body: unknown;
      readonly headers?: Record<string, string>;
    }
  /** Closes the connection, executing nothing. */
  | { readonly kind: 'drop' }
  /** Executes, and answers when `release` resolves. */
  | { readonly kind: 'execute-slowly'; readonly release: Promise<void> };

const SUCCESS = { status: 'success', result: { returncode: 0, stdout: 'done', stderr: '' } };

/** A gateway that does as it is told, remembers what it was asked, and executes each key once, like a real one. */
export class ScriptableGateway extends StubServer {
  readonly seen: SeenAction[] = [];
  /** Every request, probes included. */
  readonly requests: SeenRequest[] = [];
  /** How often each key has really run. */
  readonly executions = new Map<string, number>();
  ready = true;
  /** What `GET /status` answers, and when: a probe waits for the promise. */
  statusAnswer: () => StatusAnswer | Promise<StatusAnswer> = () => ({
    status: 200,
    body: { agent_connected: this.ready, ssh_fallback_enabled: false, ssh_fallback_healthy: false },
  });
  /** The next requests' behaviours; when they are used up, `otherwise`. */
  readonly script: Behaviour[] = [];
  otherwise: Behaviour = { kind: 'execute' };
  private readonly results = new Map<string, object>();
  private readonly listeners = new Set<() => void>();

  /** Loses its memory of results, as after a disk change: a key that comes again runs again. */
  forget(): void {
    this.results.clear();
  }

  /** How often it has been asked how it is. */
  get probes(): number {
    return this.requests.filter(({ path }) => path.endsWith('/status')).length;
  }

  /** Resolves when `condition` holds; it is looked at after every request. */
  until(condition: (gateway: this) => boolean): Promise<void> {
    return new Promise((done) => {
      const look = () => {
        if (!condition(this)) return;
        this.listeners.delete(look);
        done();
      };
      this.listeners.add(look);
      look();
    });
  }

  protected async serve(
    request: http.IncomingMessage,
    response: http.ServerResponse,
    body: string,
  ): Promise<void> {
    const { method = '', url: path = '', headers } = request;
    this.requests.push({ method, path, headers });
    if (path.endsWith('/status')) {
      for (const listener of this.listeners) listener();
      const answer = await this.statusAnswer();
      reply(response, answer.status, answer.body);
      return;
    }
    if (!path.endsWith('/action')) {
      reply(response, 404, { error: 'not found' });
      return;
    }
    const action = JSON.parse(body) as Omit<SeenAction, 'receivedAt'>;
    this.seen.push({ ...action, receivedAt: performance.now() });
    const behaviour = this.script.shift() ?? this.otherwise;
    try {
      await this.act(behaviour, action.idempotency_key, response);
    } finally {
      for (const listener of this.listeners) listener();
    }
  }

  private async act(behaviour: Behaviour, key: string, response: http.ServerResponse): Promise<void> {
    switch (behaviour.kind) {
      case 'drop':
        response.socket?.destroy();
        return;
      case 'answer': {
        reply(response, behaviour.status, behaviour.body, behaviour.headers);
        return;
      }
      case 'execute': {
        reply(response, 200, this.execute(key, behaviour.answer ?? SUCCESS));
        return;
      }
      case 'execute-and-drop':
        this.execute(key, SUCCESS);
        response.socket?.destroy();
        return;
      case 'execute-slowly': {
        const result = this.execute(key, SUCCESS);
        for (const listener of this.listeners) listener();
        await behaviour.release;
        reply(response, 200, result);
        return;
      }
    }
  }

  private execute(key: string, answer: object): object {
    const known = this.results.get(key);
    if (known !== undefined) return { ...known, idempotent_replay: true };
    this.executions.set(key, (this.executions.get(key) ?? 0) + 1);
    this.results.set(key, answer);
    return answer;
  }
}
