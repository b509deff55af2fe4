import { randomUUID } from 'node:crypto';
import type http from 'node:http';
import { reply } from '../../support/stub-server.js';
import { type Fields } from './protocol.js';
import { type Sessions } from './sessions.js';
import { type Turns } from './turns.js';

/**
 * `POST /v1/chat/completions` with `stream: true`: a turn without a key, that ends when whoever asked for it hangs up. No
 * permission mode can be set.
 */
export async function complete(
  { turns, sessions }: { readonly turns: Turns; readonly sessions: Sessions },
  request: http.IncomingMessage,
  response: http.ServerResponse,
  body: string,
): Promise<void> {
  const { model, messages } = JSON.parse(body) as { model: string; messages: { content: string }[] };
  const key = request.headers['x-openclaw-session-key'];
  if (model === 'openclaw/nobody' || typeof key !== 'string') {
    reply(response, 400, { error: { message: `unknown agent: ${model}`, type: 'invalid_request_error' } });
    return;
  }
  const message = (messages[0]?.content ?? '').trim();
  const session = sessions.getOrCreate(key);
  session.rows.push({ role: 'user', content: message, idempotencyKey: `${randomUUID()}:user` });
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.flushHeaders();
  const write = (data: Fields) => response.write(`data: ${JSON.stringify(data)}\n\n`);
  let told = '';
  const chunk = (delta: Fields, finish: string | null = null) =>
    write({ object: 'chat.completion.chunk', choices: [{ index: 0, delta, finish_reason: finish }] });
  chunk({ role: 'assistant' });
  const run = turns.begin(key, session, {
    runId: `chatcmpl_${randomUUID()}`,
    asked: { message, timeout: null },
    emit: (delta) => {
      told += delta;
      chunk({ content: delta });
    },
  });
  response.on('close', () => run.abort.abort('hang-up'));
  await run.ended;
  if (response.destroyed) return;
  const end: Fields = run.end ?? {};
  const { status, error, terminalReply } = end;
  if (status === 'ok') {
    const { text } = terminalReply as { text: string };
    const rest = text.startsWith(told) ? text.slice(told.length) : '';
    if (rest !== '') chunk({ content: rest });
    chunk({}, 'stop');
  } else write({ error: { message: String(error), type: 'api_error' } });
  response.end('data: [DONE]\n\n');
}
