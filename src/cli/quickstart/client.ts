/** A task as the API shows it; only what the view needs. */
export interface TaskState {
  readonly id: string;
  readonly action: string;
  readonly status: string;
  readonly priority: number;
  readonly dependencies: readonly string[];
  readonly required_files: readonly string[];
  readonly dispatch_gateway_id: string | null;
  readonly locked_by: string | null;
  readonly next_attempt_at: string | null;
  readonly error: string;
}

export interface Ownership {
  readonly file_path: string;
  readonly owning_task: string;
}

/** Calls the control plane over HTTP, like every other program. */
export class ApiClient {
  constructor(
    private readonly url: string,
    private readonly apiKey: string | undefined,
  ) {}

  async isReady(): Promise<boolean> {
    try {
      return (await fetch(`${this.url}/readyz`)).ok;
    } catch {
      return false;
    }
  }

  async registerGateway(gatewayId: string, host: string): Promise<string> {
    const { status } = await this.call<{ status: string }>('/v1/register-gateway', {
      gateway_id: gatewayId,
      host,
      capabilities: ['execute_task'],
    });
    return status;
  }

  enqueue(task: Readonly<Record<string, unknown>>): Promise<unknown> {
    return this.call('/v1/tasks/enqueue', task);
  }

  async task(id: string): Promise<TaskState> {
    return this.call<TaskState>(`/v1/tasks/${encodeURIComponent(id)}`);
  }

  async tasks(limit: number): Promise<TaskState[]> {
    return (await this.call<{ tasks: TaskState[] }>(`/v1/tasks?limit=${limit}`)).tasks;
  }

  async ownership(): Promise<Ownership[]> {
    return (await this.call<{ ownership: Ownership[] }>('/v1/files/ownership')).ownership;
  }

  private async call<T>(path: string, body?: object): Promise<T> {
    const response = await fetch(`${this.url}${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        'content-type': 'application/json',
        ...(this.apiKey === undefined ? {} : { 'x-api-key': this.apiKey }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!response.ok)
      throw new Error(`${path} answered ${response.status}: ${(await response.text()).slice(0, 500)}`);
    return (await response.json()) as T;
  }
}
