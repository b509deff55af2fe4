import {
  type ChatMessage,
  type FinishReason,
  type ModelCall,
  type Piece,
  type Usage,
} from '../domain/chat.js';
import { CallFailure } from '../errors.js';
import {
  bodyOf,
  countAt,
  newCallId,
  objectAt,
  objectsAt,
  parseData,
  textAt,
  unreadable,
  UNREADABLE,
} from './reading.js';
import { type PieceReader, type WireFormat } from './wire-format.js';

export interface OpenAiDialect {
  /** What a provider calls the longest answer. */
  readonly maxTokens: 'max_tokens' | 'max_completion_tokens';
}

/** Chat completions as OpenAI has defined them; Groq, OpenRouter and DeepSeek speak them with small differences. */
export function openAiFormat({ maxTokens: maxTokensField }: OpenAiDialect): WireFormat {
  return {
    framing: 'events',
    request: ({ model, messages, tools, maxTokens, temperature }: ModelCall, { stream }) => ({
      path: '/chat/completions',
      body: {
        model,
        messages: messages.map(messageOf),
        ...(tools.length === 0 ? {} : { tools: tools.map((tool) => ({ type: 'function', function: tool })) }),
        ...(maxTokens === undefined ? {} : { [maxTokensField]: maxTokens }),
        ...(temperature === undefined ? {} : { temperature }),
        ...(stream ? { stream: true, stream_options: { include_usage: true } } : {}),
      },
    }),
    reply: (value) => {
      const body = bodyOf(value);
      refuseError(body);
      const [choice] = objectsAt(body, 'choices');
      if (choice === undefined) throw unreadable('it has no choices');
      const message = objectAt(choice, 'message');
      const toolCalls = objectsAt(message, 'tool_calls').map((call) => {
        const called = objectAt(call, 'function');
        return {
          id: textAt(call, 'id') ?? newCallId(),
          name: textAt(called, 'name') ?? '',
          arguments: textAt(called, 'arguments') ?? '{}',
        };
      });
      return {
        text: textAt(message, 'content') ?? '',
        toolCalls,
        finish: finishOf(textAt(choice, 'finish_reason'), toolCalls.length > 0),
        usage: usageOf(objectAt(body, 'usage')),
      };
    },
    reader: () => new OpenAiReader(),
  };
}

function messageOf({ role, content, toolCalls = [], toolCallId }: ChatMessage): object {
  if (role === 'tool') return { role, tool_call_id: toolCallId ?? '', content };
  if (toolCalls.length === 0) return { role, content };
  return {
    role,
    content: content === '' ? null : content,
    tool_calls: toolCalls.map(({ id, name, arguments: text }) => ({
      id,
      type: 'function',
      function: { name, arguments: text },
    })),
  };
}

class OpenAiReader implements PieceReader {
  /** Our number of each tool call, by the provider's. */
  private readonly calls = new Map<unknown, number>();
  private finish: string | undefined;
  private usage: Usage = { inputTokens: 0, outputTokens: 0 };
  isDone = false;

  read(data: string): readonly Piece[] {
    if (data === '[DONE]') {
      this.isDone = true;
      return [];
    }
    const body = parseData(data);
    refuseError(body);
    // Groq tells the usage of a stream in a place of its own.
    const { usage = objectAt(body, 'x_groq')['usage'] } = body;
    if (usage !== undefined && usage !== null) this.usage = usageOf(objectAt({ usage }, 'usage'));
    const [choice] = objectsAt(body, 'choices');
    if (choice === undefined) return [];
    this.finish = textAt(choice, 'finish_reason') ?? this.finish;
    const delta = objectAt(choice, 'delta');
    const text = textAt(delta, 'content') ?? '';
    return [
      ...(text === '' ? [] : [{ kind: 'text', text } as const]),
      ...objectsAt(delta, 'tool_calls').flatMap((call) => this.callPieces(call)),
    ];
  }

  end(): ReturnType<PieceReader['end']> {
    if (!this.isDone && this.finish === undefined) return undefined;
    return { kind: 'end', finish: finishOf(this.finish, this.calls.size > 0), usage: this.usage };
  }

  private callPieces(call: Readonly<Record<string, unknown>>): readonly Piece[] {
    const called = objectAt(call, 'function');
    const text = textAt(called, 'arguments') ?? '';
    const known = this.calls.get(call['index']);
    const index = known ?? this.calls.size;
    this.calls.set(call['index'], index);
    const begin = {
      kind: 'tool-call',
      index,
      id: textAt(call, 'id') ?? newCallId(),
      name: textAt(called, 'name') ?? '',
    } as const;
    return [
      ...(known === undefined ? [begin] : []),
      ...(text === '' ? [] : [{ kind: 'arguments', index, text } as const]),
    ];
  }
}

/** OpenRouter tells errors of the models behind it in answers that are otherwise well, with their status as `code`. */
function refuseError(body: Readonly<Record<string, unknown>>): void {
  if (body['error'] === undefined || body['error'] === null) return;
  const error = objectAt(body, 'error');
  const { code } = error;
  const status =
    Number.isInteger(code) && Number(code) >= 400 && Number(code) <= 599 ? Number(code) : UNREADABLE;
  throw new CallFailure(status, textAt(error, 'message') ?? 'The provider tells of an error.');
}

function finishOf(reason: string | undefined, hasCalls: boolean): FinishReason {
  if (hasCalls) return 'tool_calls';
  return reason === 'length' || reason === 'content_filter' ? reason : 'stop';
}

function usageOf(usage: Readonly<Record<string, unknown>>): Usage {
  return {
    inputTokens: countAt(usage, 'prompt_tokens') ?? 0,
    outputTokens: countAt(usage, 'completion_tokens') ?? 0,
  };
}
