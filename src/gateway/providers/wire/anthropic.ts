import { createHash } from 'node:crypto';
import { argumentsObject } from '../domain/arguments.js';
import {
  type ChatMessage,
  type FinishReason,
  type ModelCall,
  type Piece,
  type Usage,
} from '../domain/chat.js';
import { CallFailure } from '../errors.js';
import { systemText, turnsOf } from './messages.js';
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

type JsonObject = Readonly<Record<string, unknown>>;

/** The format must be told how long an answer may be. */
const USUAL_MAX_TOKENS = 4_096;

/** Anthropic's messages. */
export const anthropicFormat: WireFormat = {
  framing: 'events',
  request: ({ model, messages, tools, maxTokens, temperature }: ModelCall, { stream }) => {
    const system = systemText(messages);
    return {
      path: '/messages',
      body: {
        model,
        max_tokens: maxTokens ?? USUAL_MAX_TOKENS,
        ...(system === '' ? {} : { system }),
        messages: turnsOf(messages, ({ role }) => (role === 'assistant' ? 'assistant' : 'user'))
          .map((turn) => ({ role: turn.speaker, content: turn.messages.flatMap(blocksOf) }))
          .filter(({ content }) => content.length > 0),
        ...(tools.length === 0
          ? {}
          : {
              tools: tools.map(({ name, description, parameters = {} }) => ({
                name,
                ...(description === undefined ? {} : { description }),
                input_schema: { type: 'object', ...parameters },
              })),
            }),
        // Here the scale ends at 1.
        ...(temperature === undefined ? {} : { temperature: Math.min(1, temperature) }),
        ...(stream ? { stream: true } : {}),
      },
    };
  },
  reply: (value) => {
    const body = bodyOf(value);
    if (!Array.isArray(body['content'])) throw unreadable('it has no content');
    const blocks = objectsAt(body, 'content');
    return {
      text: blocks.map((block) => (block['type'] === 'text' ? (textAt(block, 'text') ?? '') : '')).join(''),
      toolCalls: blocks.filter(isToolUse).map((block) => ({
        id: textAt(block, 'id') ?? newCallId(),
        name: textAt(block, 'name') ?? '',
        arguments: JSON.stringify(objectAt(block, 'input')),
      })),
      finish: finishOf(textAt(body, 'stop_reason')),
      usage: usageOf(objectAt(body, 'usage'), { inputTokens: 0, outputTokens: 0 }),
    };
  },
  reader: () => new AnthropicReader(),
};

const isToolUse = (block: JsonObject) => block['type'] === 'tool_use';

function blocksOf({ role, content, toolCalls = [], toolCallId = '' }: ChatMessage): readonly object[] {
  if (role === 'tool') return [{ type: 'tool_result', tool_use_id: wireId(toolCallId), content }];
  return [
    // Blocks without text are refused.
    ...(content === '' ? [] : [{ type: 'text', text: content }]),
    ...toolCalls.map((call) => ({
      type: 'tool_use',
      id: wireId(call.id),
      name: call.name,
      input: argumentsObject(call.arguments),
    })),
  ];
}

/** An id as this format takes it. One that another provider gave with other characters always becomes the same. */
function wireId(id: string): string {
  return /^[A-Za-z0-9_-]{1,64}$/.test(id)
    ? id
    : `call_${createHash('sha256').update(id).digest('hex').slice(0, 24)}`;
}

class AnthropicReader implements PieceReader {
  /** Our number of each tool call, by the number of its block. */
  private readonly calls = new Map<unknown, number>();
  private stopReason: string | undefined;
  private usage: Usage = { inputTokens: 0, outputTokens: 0 };
  isDone = false;

  read(data: string): readonly Piece[] {
    const event = parseData(data);
    switch (event['type']) {
      case 'message_start':
        this.usage = usageOf(objectAt(objectAt(event, 'message'), 'usage'), this.usage);
        return [];
      case 'content_block_start':
        return this.begin(event['index'], objectAt(event, 'content_block'));
      case 'content_block_delta':
        return this.more(event['index'], objectAt(event, 'delta'));
      case 'message_delta':
        this.stopReason = textAt(objectAt(event, 'delta'), 'stop_reason') ?? this.stopReason;
        this.usage = usageOf(objectAt(event, 'usage'), this.usage);
        return [];
      case 'message_stop':
        this.isDone = true;
        return [];
      case 'error':
        throw failureOf(objectAt(event, 'error'));
      default:
        return [];
    }
  }

  end(): ReturnType<PieceReader['end']> {
    return this.isDone ? { kind: 'end', finish: finishOf(this.stopReason), usage: this.usage } : undefined;
  }

  private begin(block: unknown, content: JsonObject): readonly Piece[] {
    if (!isToolUse(content)) {
      const text = textAt(content, 'text') ?? '';
      return text === '' ? [] : [{ kind: 'text', text }];
    }
    const index = this.calls.size;
    this.calls.set(block, index);
    return [
      {
        kind: 'tool-call',
        index,
        id: textAt(content, 'id') ?? newCallId(),
        name: textAt(content, 'name') ?? '',
      },
    ];
  }

  private more(block: unknown, delta: JsonObject): readonly Piece[] {
    const text = textAt(delta, 'text') ?? '';
    const json = textAt(delta, 'partial_json') ?? '';
    const index = this.calls.get(block);
    if (delta['type'] === 'text_delta' && text !== '') return [{ kind: 'text', text }];
    return index !== undefined && json !== '' ? [{ kind: 'arguments', index, text: json }] : [];
  }
}

/** The status that an error would have had, had it come before the stream began. */
const STATUS_OF_ERROR: Readonly<Record<string, number>> = {
  invalid_request_error: 400,
  authentication_error: 401,
  permission_error: 403,
  not_found_error: 404,
  request_too_large: 413,
  rate_limit_error: 429,
  api_error: 500,
  overloaded_error: 529,
};

function failureOf(error: JsonObject): CallFailure {
  const type = textAt(error, 'type') ?? '';
  const status = Object.hasOwn(STATUS_OF_ERROR, type) ? STATUS_OF_ERROR[type] : undefined;
  return new CallFailure(status ?? UNREADABLE, textAt(error, 'message') ?? 'The provider tells of an error.');
}

function finishOf(reason: string | undefined): FinishReason {
  if (reason === 'tool_use') return 'tool_calls';
  if (reason === 'max_tokens' || reason === 'model_context_window_exceeded') return 'length';
  return reason === 'refusal' ? 'content_filter' : 'stop';
}

/** The later counts replace the earlier ones; what is not told stays. */
function usageOf(usage: JsonObject, before: Usage): Usage {
  return {
    inputTokens: countAt(usage, 'input_tokens') ?? before.inputTokens,
    outputTokens: countAt(usage, 'output_tokens') ?? before.outputTokens,
  };
}
