import { Agent, request } from 'undici';
import { jsonOrUndefined, readBounded } from '../../platform/http/reply-body.js';
import { type RegistrationConfig } from './registration.config.js';

const TIMEOUT_MS = 10_000;
const MAX_REPLY_BYTES = 1_048_576;

export interface Reply {
  readonly status: number;
  /** What the answer says of itself; empty when it says nothing. */
  readonly detail: string;
}

/** The way to the control plane's API. Follows no redirect; reads at most 1 MiB of an answer. */
export class ControlPlaneClient {
  private readonly agent = new Agent({ pipelining: 1, connect: { timeout: TIMEOUT_MS } });

  constructor(private readonly config: Pick<RegistrationConfig, 'controlPlaneUrl' | 'apiKey'>) {}

  /** Sends `body`. Throws when no answer comes within ten seconds, or before `signal`. */
  async post(path: string, body: object, signal: AbortSignal): Promise<Reply> {
    const { controlPlaneUrl, apiKey } = this.config;
    const reply = await request(`${controlPlaneUrl}${path}`, {
      dispatcher: this.agent,
      method: 'POST',
      signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
      headers: {
        accept: 'application/json',
        'content-type': 'application/json',
        ...(apiKey === undefined ? {} : { 'x-api-key': apiKey }),
      },
      body: JSON.stringify(body),
    });
    const answer = jsonOrUndefined(await readBounded(reply.body, MAX_REPLY_BYTES));
    const { detail } = (typeof answer === 'object' && answer !== null ? answer : {}) as { detail?: unknown };
    return { status: reply.statusCode, detail: typeof detail === 'string' ? detail.slice(0, 300) : '' };
  }

  async close(): Promise<void> {
    await this.agent.destroy();
  }
}
