import { type ActionResult } from '../../../contracts/gateway-api.js';
import { jsonOrUndefined } from '../../../platform/http/reply-body.js';
import { asObject } from '../domain/arguments.js';
import { type ModelCall, type ModelReply, type Piece } from '../domain/chat.js';
import { CallFailure } from '../errors.js';
import { systemText } from '../wire/messages.js';
import { ollamaMessages, ollamaTools, readOllamaReply } from '../wire/ollama.js';
import { type Adapter } from './adapter.js';
import { errorText } from './error-text.js';

/** The action `ollama_chat`, carried out by whoever executes actions. */
export interface OllamaAction {
  /** Whether somebody is there who can. */
  isAvailable(): boolean;
  /** Rejects with the reason as its message when the action did not run to its end. */
  run(params: Readonly<Record<string, unknown>>): Promise<ActionResult>;
}

const USUAL_MAX_TOKENS = 4_096;

/** Ollama on the machine of an agent. The action gives its answer as a whole, so a streamed one comes at once. */
export class ExecutorAdapter implements Adapter {
  constructor(private readonly action: OllamaAction) {}

  absence(): string | null {
    return this.action.isAvailable() ? null : 'No agent that can chat with Ollama is connected.';
  }

  async complete(call: ModelCall, signal: AbortSignal): Promise<ModelReply> {
    const result = await this.run(call, signal);
    if (result.returncode !== 0) {
      throw new CallFailure('network', errorText(result.stderr === '' ? result.stdout : result.stderr));
    }
    const body = asObject(jsonOrUndefined(result.stdout));
    if (body !== undefined && ('message' in body || 'error' in body)) return readOllamaReply(body);
    // An agent that gives the text only.
    const usage = { inputTokens: 0, outputTokens: 0 };
    return { text: result.stdout, toolCalls: [], finish: 'stop', usage };
  }

  async *stream(call: ModelCall, signal: AbortSignal): AsyncGenerator<Piece, void> {
    const { text, toolCalls, finish, usage } = await this.complete(call, signal);
    if (text !== '') yield { kind: 'text', text };
    for (const [index, { id, name, arguments: given }] of toolCalls.entries()) {
      yield { kind: 'tool-call', index, id, name };
      yield { kind: 'arguments', index, text: given };
    }
    yield { kind: 'end', finish, usage };
  }

  /** Waits no longer than `signal`. The action itself has no way to be called back and goes on to its own limit. */
  private async run(call: ModelCall, signal: AbortSignal): Promise<ActionResult> {
    const { model, messages, tools, maxTokens = USUAL_MAX_TOKENS, temperature = 0 } = call;
    const system = systemText(messages);
    const ended = new Promise<never>((_resolve, reject) => {
      const end = () => reject(signal.reason as Error);
      if (signal.aborted) end();
      else signal.addEventListener('abort', end, { once: true });
    });
    const result = this.action
      .run({
        model,
        messages: ollamaMessages(messages.filter(({ role }) => role !== 'system')),
        ...(system === '' ? {} : { system }),
        ...(tools.length === 0 ? {} : { tools: ollamaTools(tools) }),
        max_tokens: maxTokens,
        temperature,
      })
      .catch((error: unknown) => {
        throw new CallFailure('network', error instanceof Error ? error.message : 'The action failed.', {
          cause: error,
        });
      });
    return Promise.race([result, ended]);
  }
}
