import { randomUUID } from 'node:crypto';
import { type Piece, type ToolCall, type Usage } from '../domain/chat.js';
import { type FinishedReply, type StreamedReply } from '../provider-router.js';

/** What all parts of one answer say of it. */
interface AnswerHead {
  readonly id: string;
  readonly created: number;
  readonly model: string;
}

/** The name under which a model can be asked for again. */
function headOf({ provider, model }: { readonly provider: string; readonly model: string }): AnswerHead {
  return {
    id: `chatcmpl-${randomUUID()}`,
    created: Math.floor(Date.now() / 1_000),
    model: `${provider}/${model}`,
  };
}

/** An answer in OpenAI's format. */
export function completionOf(reply: FinishedReply): object {
  const { text, toolCalls, finish, usage } = reply;
  const message = {
    role: 'assistant',
    content: text === '' && toolCalls.length > 0 ? null : text,
    refusal: null,
    ...(toolCalls.length === 0 ? {} : { tool_calls: toolCalls.map(toolCallOf) }),
  };
  return {
    object: 'chat.completion',
    ...headOf(reply),
    choices: [{ index: 0, message, logprobs: null, finish_reason: finish }],
    usage: usageOf(usage),
  };
}

function toolCallOf({ id, name, arguments: text }: ToolCall): object {
  return { id, type: 'function', function: { name, arguments: text } };
}

function usageOf({ inputTokens, outputTokens }: Usage): object {
  return {
    prompt_tokens: inputTokens,
    completion_tokens: outputTokens,
    total_tokens: inputTokens + outputTokens,
  };
}

/** The events of a streamed answer in OpenAI's format, without its end. */
export class ChunkWriter {
  private readonly head: AnswerHead;

  constructor(
    reply: StreamedReply,
    private readonly includeUsage: boolean,
  ) {
    this.head = headOf(reply);
  }

  begin(): string {
    return this.choice({ role: 'assistant', content: '' });
  }

  piece(piece: Piece): string {
    switch (piece.kind) {
      case 'text':
        return this.choice({ content: piece.text });
      case 'tool-call': {
        const { index, id, name } = piece;
        return this.choice({
          tool_calls: [{ index, id, type: 'function', function: { name, arguments: '' } }],
        });
      }
      case 'arguments':
        return this.choice({ tool_calls: [{ index: piece.index, function: { arguments: piece.text } }] });
      case 'end':
        return (
          this.choice({}, piece.finish) +
          (this.includeUsage ? this.chunk([], { usage: usageOf(piece.usage) }) : '')
        );
    }
  }

  private choice(delta: object, finish: string | null = null): string {
    return this.chunk([{ index: 0, delta, logprobs: null, finish_reason: finish }]);
  }

  private chunk(choices: readonly object[], more: object = {}): string {
    return dataEvent({ object: 'chat.completion.chunk', ...this.head, choices, ...more });
  }
}

/** An event of the stream. */
export function dataEvent(data: object): string {
  return `data: ${JSON.stringify(data)}\n\n`;
}

/** The event after which nothing comes. */
export const DONE_EVENT = 'data: [DONE]\n\n';
