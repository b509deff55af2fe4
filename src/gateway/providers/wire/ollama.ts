import { argumentsObject } from '../domain/arguments.js';
import { providerTraits } from '../domain/catalogue.js';
import {
  type ChatMessage,
  type FinishReason,
  type ModelCall,
  type ModelReply,
  type Piece,
  type ToolCall,
  type Usage,
} from '../domain/chat.js';
import { CallFailure } from '../errors.js';
import { toolNames } from './messages.js';
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

/** Ollama's own chat format. */
export const ollamaFormat: WireFormat = {
  framing: 'lines',
  request: ({ model, messages, tools, maxTokens, temperature }: ModelCall, { stream }) => ({
    path: '/api/chat',
    body: {
      model,
      messages: ollamaMessages(messages),
      ...(tools.length === 0 ? {} : { tools: ollamaTools(tools) }),
      stream,
      options: {
        // Without it Ollama cuts longer conversations at its head, and says nothing.
        num_ctx: providerTraits.ollama.contextTokens,
        ...(maxTokens === undefined ? {} : { num_predict: maxTokens }),
        ...(temperature === undefined ? {} : { temperature }),
      },
    },
  }),
  reply: (value) => readOllamaReply(bodyOf(value)),
  reader: () => new OllamaReader(),
};

/** A conversation as Ollama takes it. The ids of tool calls go along: versions that do not know them ignore them. */
export function ollamaMessages(messages: readonly ChatMessage[]): readonly object[] {
  const names = toolNames(messages);
  return messages.map(({ role, content, toolCalls = [], toolCallId = '' }) => ({
    role,
    content,
    ...(role === 'tool' ? { tool_name: names.get(toolCallId) ?? '', tool_call_id: toolCallId } : {}),
    ...(toolCalls.length === 0
      ? {}
      : {
          tool_calls: toolCalls.map((call) => ({
            id: call.id,
            function: { name: call.name, arguments: argumentsObject(call.arguments) },
          })),
        }),
  }));
}

export function ollamaTools(tools: ModelCall['tools']): readonly object[] {
  return tools.map(({ parameters = { type: 'object', properties: {} }, ...tool }) => ({
    type: 'function',
    function: { ...tool, parameters },
  }));
}

/** Reads a whole answer of `/api/chat`. */
export function readOllamaReply(body: JsonObject): ModelReply {
  refuseError(body);
  if (body['message'] === undefined) throw unreadable('it has no message');
  const message = objectAt(body, 'message');
  const toolCalls = callsOf(message);
  return {
    text: textAt(message, 'content') ?? '',
    toolCalls,
    finish: finishOf(textAt(body, 'done_reason'), toolCalls.length > 0),
    usage: usageOf(body),
  };
}

function callsOf(message: JsonObject): readonly ToolCall[] {
  return objectsAt(message, 'tool_calls').map((call) => {
    const called = objectAt(call, 'function');
    return {
      id: textAt(call, 'id') ?? newCallId(),
      name: textAt(called, 'name') ?? '',
      arguments: JSON.stringify(objectAt(called, 'arguments')),
    };
  });
}

class OllamaReader implements PieceReader {
  private calls = 0;
  private last: JsonObject | undefined;

  get isDone(): boolean {
    return this.last !== undefined;
  }

  read(data: string): readonly Piece[] {
    const body = parseData(data);
    refuseError(body);
    if (body['done'] === true) this.last = body;
    const message = objectAt(body, 'message');
    const text = textAt(message, 'content') ?? '';
    return [
      ...(text === '' ? [] : [{ kind: 'text', text } as const]),
      ...callsOf(message).flatMap(({ id, name, arguments: given }): Piece[] => {
        const index = this.calls++;
        return [
          { kind: 'tool-call', index, id, name },
          { kind: 'arguments', index, text: given },
        ];
      }),
    ];
  }

  end(): ReturnType<PieceReader['end']> {
    if (this.last === undefined) return undefined;
    const finish = finishOf(textAt(this.last, 'done_reason'), this.calls > 0);
    return { kind: 'end', finish, usage: usageOf(this.last) };
  }
}

function refuseError(body: JsonObject): void {
  const error = textAt(body, 'error');
  if (error !== undefined) throw new CallFailure(UNREADABLE, error);
}

function finishOf(reason: string | undefined, hasCalls: boolean): FinishReason {
  if (hasCalls) return 'tool_calls';
  return reason === 'length' ? 'length' : 'stop';
}

function usageOf(body: JsonObject): Usage {
  return {
    inputTokens: countAt(body, 'prompt_eval_count') ?? 0,
    outputTokens: countAt(body, 'eval_count') ?? 0,
  };
}
