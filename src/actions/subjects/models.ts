import { request } from 'undici';
import { jsonOrUndefined, readBounded } from '../../platform/http/reply-body.js';
import { type ActionResult } from '../../contracts/gateway-api.js';
import { cutText } from '../cut-text.js';
import { type ActionContext, type MachineActions } from '../machine-action.js';
import { decimal, list, numberParam, text, textParam, whole } from '../parameters.js';
import { done, failed, MAX_STDOUT } from '../results.js';
import { withinLimit } from '../time-limit.js';

const MAX_REPLY_BYTES = 4 * 1_048_576;

export const modelActions: MachineActions = {
  ollama_chat: {
    params: {
      messages: list({ required: true }),
      model: text(),
      system: text(),
      tools: list(),
      max_tokens: whole(1, 131_072),
      temperature: decimal(0, 2),
    },
    // A model fills the memory of the card; two at once would throw each other out.
    holds: ['GPU'],
    repeatable: true,
    execute: chat,
  },
};

/** Asks the model server on this machine. The result is its answer as JSON: message, why it ended, tokens used. */
async function chat(context: ActionContext): Promise<ActionResult> {
  const { params, config } = context;
  const system = textParam(params, 'system');
  const messages = params['messages'] as readonly object[];
  const tools = params['tools'] as readonly object[] | undefined;
  const { status, reply } = await withinLimit(context, async (signal) => {
    const { statusCode, body } = await request(new URL('/api/chat', config.ollamaUrl), {
      method: 'POST',
      signal,
      headers: { 'content-type': 'application/json' },
      // A model may think for as long as the action may take.
      headersTimeout: 0,
      bodyTimeout: 0,
      body: JSON.stringify({
        model: textParam(params, 'model', 'qwen2.5-coder:7b'),
        messages: system === '' ? messages : [{ role: 'system', content: system }, ...messages],
        ...(tools === undefined || tools.length === 0 ? {} : { tools }),
        stream: false,
        options: {
          num_predict: numberParam(params, 'max_tokens', 4_096),
          temperature: numberParam(params, 'temperature', 0),
        },
      }),
    });
    return { status: statusCode, reply: jsonOrUndefined(await readBounded(body, MAX_REPLY_BYTES)) };
  });
  if (!isObject(reply)) return failed(`Ollama answered ${status} without a JSON object.`);
  const { error, message } = reply;
  if (status !== 200) return failed(`Ollama answered ${status}: ${String(error)}`);
  if (!isObject(message)) return failed('Ollama answered without a message.');
  return done(
    fitting(message, {
      done_reason: reply['done_reason'],
      prompt_eval_count: reply['prompt_eval_count'],
      eval_count: reply['eval_count'],
    }),
  );
}

/** The answer as JSON that fits into a result: it stays JSON, and what is too long is the message's own text. */
function fitting(message: Readonly<Record<string, unknown>>, rest: object): string {
  const content = typeof message['content'] === 'string' ? message['content'] : '';
  const withContent = (text: string) => JSON.stringify({ message: { ...message, content: text }, ...rest });
  let [shortest, longest] = [0, content.length];
  // How long the text may be is found by halving, since JSON spells some characters with many.
  while (shortest < longest) {
    const middle = Math.ceil((shortest + longest) / 2);
    if (withContent(cutText(content, middle)).length <= MAX_STDOUT) shortest = middle;
    else longest = middle - 1;
  }
  return withContent(cutText(content, shortest));
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
