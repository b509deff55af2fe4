import { randomUUID } from 'node:crypto';
import { type Client, type Fields, Refusal } from './protocol.js';
import { type Asked, type Row, type Session, type Sessions } from './sessions.js';

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

/** What a process knows of a run, and the next one does not. */
export interface Run {
  readonly runId: string;
  readonly sessionKey: string;
  readonly client: Client | undefined;
  readonly abort: AbortController;
  end: Fields | null;
  readonly ended: Promise<void>;
}

/** Who asks the model and tells the connections. */
export interface TurnsHost {
  ask(call: ModelCall): Promise<string>;
  tell(event: string, payload: Fields, cap?: string): void;
  ran(command: string): void;
}

/** The runs of one process. */
export class Turns {
  private readonly runs = new Map<string, Run>();
  private readonly approvals = new Map<string, { payload: Fields; answer: (decision: string) => void }>();

  constructor(
    private readonly host: TurnsHost,
    private readonly sessions: Sessions,
  ) {}

  get active(): number {
    return [...this.runs.values()].filter(({ end }) => end === null).length;
  }

  runningIn(sessionKey: string): Run | undefined {
    return [...this.runs.values()].find((run) => run.sessionKey === sessionKey && run.end === null);
  }

  /** `agent`: a key is run once, and what it came to is told again. */
  accept(client: Client, params: Fields): Fields {
    const { message = '', sessionKey = '', idempotencyKey: runId = '', agentId } = params as Texts;
    if (agentId === 'nobody') throw new Refusal('INVALID_REQUEST', 'unknown agent id "nobody"');
    const known = this.runs.get(runId);
    if (known !== undefined) return known.end ?? { runId, status: 'in_flight' };
    const session = this.sessions.get(sessionKey);
    if (session === undefined) throw new Refusal('INVALID_REQUEST', 'no such session');
    session.rows.push({ role: 'user', content: message, idempotencyKey: `${runId}:user` });
    this.begin(sessionKey, session, {
      runId,
      client,
      asked: { message, timeout: Number(params['timeout']) },
    });
    return { runId, status: 'accepted' };
  }

  /** `agent.wait`: what nobody knows of is waited for as well. */
  async wait(runId: string, timeoutMs: number): Promise<Fields> {
    const run = this.runs.get(runId);
    const late = new Promise<void>((done) => setTimeout(done, timeoutMs).unref());
    await (run === undefined ? late : Promise.race([run.ended, late]));
    return run?.end ?? { runId, status: 'timeout' };
  }

  /** `chat.abort`: by the connection that began a run, or by an administrator. */
  abort(client: Client, runId: string): Fields {
    const run = this.runs.get(runId);
    if (run !== undefined && run.client !== client && !client.scopes.includes('operator.admin')) {
      throw new Refusal('INVALID_REQUEST', 'unauthorized');
    }
    if (run?.end === null) run.abort.abort('rpc');
    return { ok: true, aborted: run !== undefined, runIds: run === undefined ? [] : [run.runId] };
  }

  /** `sessions.abort`. */
  abortSession(key: string): Fields {
    const running = this.runningIn(key);
    running?.abort.abort('rpc');
    const session = this.sessions.get(key);
    if (session !== undefined) session.interrupted = null;
    return { ok: true, abortedRunId: running?.runId ?? null };
  }

  openApprovals(): Fields[] {
    return [...this.approvals.values()].map(({ payload }) => payload);
  }

  /** `exec.approval.resolve`. */
  resolveApproval(id: string, decision: string): Fields {
    const approval = this.approvals.get(id);
    if (approval === undefined) {
      throw new Refusal('INVALID_REQUEST', 'unknown or expired approval id', {
        details: { reason: 'APPROVAL_NOT_FOUND' },
      });
    }
    approval.answer(decision);
    return { ok: true };
  }

  /** The process dies in the middle of them. */
  kill(): void {
    for (const run of this.runs.values()) run.abort.abort('killed');
    this.runs.clear();
    this.approvals.clear();
  }

  /** Goes on with a turn that an earlier process has begun. */
  resume(key: string, session: Session): void {
    const runId = randomUUID();
    const content = '[System] Your previous turn was interrupted by a gateway restart.';
    session.rows.push({ role: 'user', content, idempotencyKey: `${runId}:user` });
    const asked = session.interrupted ?? { message: '', timeout: 60 };
    this.begin(key, session, { runId, asked });
  }

  /** Runs a turn until it ends, is aborted, or the process dies. */
  begin(
    sessionKey: string,
    session: Session,
    how: {
      readonly runId: string;
      readonly asked: Asked;
      readonly client?: Client;
      readonly emit?: (delta: string) => void;
    },
  ): Run {
    const { runId, asked, client, emit } = how;
    let ended!: () => void;
    const run: Run = {
      ...{ runId, sessionKey, client, abort: new AbortController(), end: null },
      ended: new Promise((done) => (ended = done)),
    };
    this.runs.set(runId, run);
    session.interrupted = asked;
    const limit =
      asked.timeout === null
        ? undefined
        : setTimeout(() => run.abort.abort('timeout'), asked.timeout * 1_000);
    const startedAt = Date.now();
    const end = (fields: Fields, row: Row | null) => {
      clearTimeout(limit);
      if (run.abort.signal.reason === 'killed') return;
      if (row !== null) session.rows.push(row);
      session.interrupted = null;
      run.end = { runId, startedAt, endedAt: Date.now(), ...fields };
      ended();
    };
    const aborted = new Promise<never>((_, reject) => {
      run.abort.signal.addEventListener('abort', () => reject(new Error(String(run.abort.signal.reason))));
    });
    const answer = this.host.ask({
      ...{ message: asked.message, sessionKey, signal: run.abort.signal },
      emit:
        emit ??
        ((delta) => this.host.tell('agent', { runId, sessionKey, stream: 'assistant', data: { delta } })),
      exec: (command) => this.exec(session, run, command),
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
        else if (why === 'hang-up') {
          end({ status: 'error', error: why }, { role: 'assistant', content: '', stopReason: 'aborted' });
        } else end({ status: 'error', error: why }, { role: 'assistant', content: '', stopReason: 'error' });
      },
    );
    return run;
  }

  private async exec(
    session: Session,
    { runId, sessionKey, client }: Run,
    command: string,
  ): Promise<boolean> {
    const mayAsk =
      client !== undefined &&
      client.scopes.includes('operator.admin') &&
      client.caps.includes('exec-approvals');
    // A session that was created without a mode has the gateway's own, which asks nobody.
    let allowed = session.permissionMode === 'full' || session.permissionMode === '';
    if (session.permissionMode === 'guarded' && mayAsk) {
      const id = randomUUID();
      const payload = {
        id,
        request: { command, cwd: '/workspace', runId, sessionKey, allowedDecisions: ['allow-once', 'deny'] },
        expiresAtMs: Date.now() + 1_800_000,
      };
      const decision = await new Promise<string>((answer) => {
        this.approvals.set(id, { payload, answer });
        this.host.tell('exec.approval.requested', payload, 'exec-approvals');
      });
      this.approvals.delete(id);
      this.host.tell('exec.approval.resolved', { id, decision, request: payload.request }, 'exec-approvals');
      allowed = decision === 'allow-once';
    }
    if (allowed) this.host.ran(command);
    return allowed;
  }
}

type Texts = Partial<Record<string, string>>;
