import { type ChatMessage, type Tool } from './chat.js';

/** English and code have about four bytes of UTF-8 a token, scripts with more bytes a character fewer characters. */
const BYTES_PER_TOKEN = 4;
/** What a message costs beside its text. */
const TOKENS_PER_MESSAGE = 4;
/** What is kept for the answer of a request that does not say how long it may be. */
const USUAL_ANSWER_TOKENS = 1_024;

const tokensOf = (text: string) => Math.ceil(Buffer.byteLength(text) / BYTES_PER_TOKEN);

/** About how much of a context a request takes, its answer included. */
export function estimateTokens(request: {
  readonly messages: readonly ChatMessage[];
  readonly tools?: readonly Tool[];
  readonly maxTokens?: number;
}): number {
  const { messages, tools = [], maxTokens = USUAL_ANSWER_TOKENS } = request;
  const spoken = messages.reduce(
    (sum, { content, toolCalls = [] }) =>
      sum +
      TOKENS_PER_MESSAGE +
      tokensOf(content) +
      toolCalls.reduce((calls, call) => calls + tokensOf(call.name) + tokensOf(call.arguments), 0),
    0,
  );
  return spoken + (tools.length === 0 ? 0 : tokensOf(JSON.stringify(tools))) + maxTokens;
}
