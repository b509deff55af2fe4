import { type LedgerTask } from '../domain/task-graph.js';

/** A task as the control plane shows it; only what a project looks at. */
export interface LedgerTaskState {
  readonly id: string;
  readonly status: string;
  readonly error: string;
  readonly dependencies: readonly string[];
}

/** The control plane could not be reached, or cannot serve now. What was asked may be asked again. */
export class ControlPlaneAwayError extends Error {
  constructor(
    message: string,
    readonly retryAfterMs: number,
  ) {
    super(message);
  }
}

/** The control plane has refused what was asked. */
export class ControlPlaneRefusal extends Error {
  constructor(
    readonly status: number,
    /** The kind of the problem, such as `task-exists`; empty when it names none. */
    readonly kind: string,
    message: string,
  ) {
    super(message);
  }
}

/** Shorter than the lease of a project, so that no call of a dead process is still under way when another takes over. */
const TIMEOUT_MS = 10_000;
const RETRY_MS = 2_000;
const PAGE = 1_000;
/** Answers that another caller, address or time would change: a person has to do something, or it passes. */
const MAY_PASS = new Set([401, 403, 404, 405, 408, 429]);

export interface ControlPlaneOptions {
  readonly url: string;
  readonly apiKey: string | undefined;
}

/** What projects ask of the control plane over HTTP, a method a route. */
export class ControlPlane {
  constructor(private readonly options: ControlPlaneOptions) {}

  /** Hands a graph in, all or nothing. One that is there already is as good. */
  async handIn(tasks: readonly LedgerTask[]): Promise<void> {
    try {
      await this.call('POST', '/v1/tasks/batch', { tasks });
    } catch (error) {
      if (!(error instanceof ControlPlaneRefusal) || error.kind !== 'task-exists') throw error;
    }
  }

  /** All tasks of a project. */
  async tasks(projectId: string): Promise<LedgerTaskState[]> {
    const tasks: LedgerTaskState[] = [];
    let cursor: string | undefined;
    do {
      const query = new URLSearchParams({ project_id: projectId, limit: String(PAGE) });
      if (cursor !== undefined) query.set('cursor', cursor);
      const page = await this.call('GET', `/v1/tasks?${query.toString()}`);
      const { tasks: rows, next_cursor: next } = page as {
        tasks: LedgerTaskState[];
        next_cursor?: string;
      };
      tasks.push(...rows);
      cursor = next;
    } while (cursor !== undefined);
    return tasks;
  }

  /** Cancels a task; one that has ended already is as good. */
  async cancelTask(id: string, reason: string): Promise<void> {
    try {
      await this.call('POST', `/v1/tasks/${encodeURIComponent(id)}/cancel`, { reason });
    } catch (error) {
      if (!(error instanceof ControlPlaneRefusal) || (error.status !== 409 && error.status !== 404))
        throw error;
    }
  }

  /** Keeps the tasks of a project from being begun. */
  async pauseProject(projectId: string, reason: string): Promise<void> {
    await this.call('POST', `/v1/projects/${encodeURIComponent(projectId)}/pause`, { reason });
  }

  async resumeProject(projectId: string): Promise<void> {
    await this.call('POST', `/v1/projects/${encodeURIComponent(projectId)}/resume`, {});
  }

  /** Opens the stream of what happens to a project's tasks. Rejects when it cannot be had. */
  async events(projectId: string, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
    const query = new URLSearchParams({ project_id: projectId });
    const response = await fetch(`${this.options.url}/v1/events/stream?${query.toString()}`, {
      headers: { ...this.headers, accept: 'text/event-stream' },
      redirect: 'manual',
      signal,
    });
    if (response.ok && response.body !== null) return response.body;
    await response.body?.cancel();
    throw new Error(`The event stream answers ${response.status}.`);
  }

  private get headers(): Record<string, string> {
    const { apiKey } = this.options;
    return apiKey === undefined ? {} : { 'x-api-key': apiKey };
  }

  private async call(method: 'GET' | 'POST', path: string, body?: object): Promise<unknown> {
    const { url } = this.options;
    let response: Response;
    let text: string;
    try {
      response = await fetch(`${url}${path}`, {
        method,
        headers: { ...this.headers, accept: 'application/problem+json', 'content-type': 'application/json' },
        redirect: 'manual',
        signal: AbortSignal.timeout(TIMEOUT_MS),
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      text = await response.text();
    } catch (error) {
      throw new ControlPlaneAwayError(
        `The control plane cannot be reached at ${url} (${reasonOf(error)}).`,
        RETRY_MS,
      );
    }
    if (response.ok) return parsed(text, url);
    const { status } = response;
    const { kind, detail } = problemIn(text);
    const says = `The control plane answers ${status}: ${detail}`;
    const mayPass = status < 400 || status >= 500 || MAY_PASS.has(status);
    if (mayPass && kind !== 'task-not-found') {
      const after = Number(response.headers.get('retry-after') ?? '');
      throw new ControlPlaneAwayError(says, after > 0 ? after * 1_000 : RETRY_MS);
    }
    throw new ControlPlaneRefusal(status, kind, says);
  }
}

function parsed(text: string, url: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new ControlPlaneAwayError(`${url} answers no JSON. Is it the control plane?`, RETRY_MS);
  }
}

/** The kind and the words of a problem document; of anything else its beginning. */
function problemIn(text: string): { kind: string; detail: string } {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return { kind: '', detail: text.slice(0, 300) };
  }
  const { type, detail } = (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>;
  return {
    kind: typeof type === 'string' ? type.replace(/^urn:skynet:problem:/, '') : '',
    detail: (typeof detail === 'string' ? detail : text).slice(0, 1_000),
  };
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  if (cause instanceof Error) return (cause as NodeJS.ErrnoException).code ?? cause.message;
  return error.name === 'TimeoutError' ? `no answer within ${TIMEOUT_MS / 1_000} s` : error.message;
}
