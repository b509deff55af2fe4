import { argumentsObject, asObject } from '../domain/arguments.js';
import {
  type ChatMessage,
  type FinishReason,
  type ModelCall,
  type Piece,
  type Tool,
  type ToolCall,
  type Usage,
} from '../domain/chat.js';
import { systemText, toolNames, turnsOf } from './messages.js';
import { bodyOf, countAt, newCallId, objectAt, objectsAt, parseData, textAt, unreadable } from './reading.js';
import { type PieceReader, type WireFormat } from './wire-format.js';

type JsonObject = Readonly<Record<string, unknown>>;

/** Gemini's own format: `generateContent` and `streamGenerateContent`. */
export const geminiFormat: WireFormat = {
  framing: 'events',
  request: ({ model, messages, tools, maxTokens, temperature }: ModelCall, { stream }) => {
    const system = systemText(messages);
    const names = toolNames(messages);
    const method = stream ? 'streamGenerateContent?alt=sse' : 'generateContent';
    return {
      path: `/models/${encodeURIComponent(model)}:${method}`,
      body: {
        contents: turnsOf(messages, ({ role }) => (role === 'assistant' ? 'model' : 'user')).map((turn) => ({
          role: turn.speaker,
          parts: turn.messages.flatMap((message) => partsOf(message, names)),
        })),
        ...(system === '' ? {} : { systemInstruction: { parts: [{ text: system }] } }),
        ...(tools.length === 0 ? {} : { tools: [{ functionDeclarations: tools.map(declarationOf) }] }),
        ...(maxTokens === undefined && temperature === undefined
          ? {}
          : {
              generationConfig: {
                ...(maxTokens === undefined ? {} : { maxOutputTokens: maxTokens }),
                ...(temperature === undefined ? {} : { temperature }),
              },
            }),
      },
    };
  },
  reply: (value) => {
    const content = readContent(bodyOf(value));
    if (content.finish === undefined && content.parts.length === 0) throw unreadable('it has no candidates');
    const calls = content.parts.flatMap((part) => callOf(part) ?? []);
    return {
      text: content.parts.map(spokenText).join(''),
      toolCalls: calls,
      finish: finishOf(content.finish, calls.length > 0),
      usage: content.usage ?? { inputTokens: 0, outputTokens: 0 },
    };
  },
  reader: () => new GeminiReader(),
};

function partsOf(message: ChatMessage, names: ReadonlyMap<string, string>): readonly object[] {
  const { role, content, toolCalls = [], toolCallId = '' } = message;
  if (role === 'tool') {
    const response = responseOf(content);
    return [{ functionResponse: { id: toolCallId, name: names.get(toolCallId) ?? '', response } }];
  }
  return [
    ...(content === '' && toolCalls.length > 0 ? [] : [{ text: content }]),
    ...toolCalls.map(({ id, name, arguments: text }) => ({
      functionCall: { id, name, args: argumentsObject(text) },
    })),
  ];
}

/** What a tool has answered must be an object here. */
function responseOf(content: string): object {
  let value: unknown = content;
  try {
    value = JSON.parse(content);
  } catch {
    // Plain text stays what it is.
  }
  return asObject(value) ?? { result: value };
}

function declarationOf({ name, description = '', parameters = {} }: Tool): object {
  const schema = geminiSchema(parameters);
  // An object without properties is refused; no parameters at all are not.
  const isEmpty = Object.keys(objectAt(schema, 'properties')).length === 0;
  return { name, description, ...(isEmpty ? {} : { parameters: schema }) };
}

/** What of JSON Schema Gemini knows; the rest would be refused. */
const SCHEMA_WORDS = new Set([
  ...['type', 'format', 'title', 'description', 'nullable', 'enum', 'default', 'example'],
  ...['required', 'propertyOrdering', 'minItems', 'maxItems', 'minProperties', 'maxProperties'],
  ...['minLength', 'maxLength', 'pattern', 'minimum', 'maximum'],
]);

function geminiSchema(schema: JsonObject): JsonObject {
  const nested = (value: unknown) => geminiSchema(asObject(value) ?? {});
  return Object.fromEntries(
    Object.entries(schema).flatMap(([word, value]): [string, unknown][] => {
      if (word === 'items') return [[word, nested(value)]];
      if (word === 'anyOf' && Array.isArray(value)) return [[word, value.map(nested)]];
      if (word === 'properties') {
        const properties = Object.entries(asObject(value) ?? {});
        return [[word, Object.fromEntries(properties.map(([name, entry]) => [name, nested(entry)]))]];
      }
      return SCHEMA_WORDS.has(word) ? [[word, value]] : [];
    }),
  );
}

interface Content {
  readonly parts: readonly JsonObject[];
  readonly finish: string | undefined;
  readonly usage: Usage | undefined;
}

function readContent(body: JsonObject): Content {
  const [candidate = {}] = objectsAt(body, 'candidates');
  const isBlocked = textAt(objectAt(body, 'promptFeedback'), 'blockReason') !== undefined;
  const usage = asObject(body['usageMetadata']);
  return {
    parts: objectsAt(objectAt(candidate, 'content'), 'parts'),
    finish: textAt(candidate, 'finishReason') ?? (isBlocked ? 'SAFETY' : undefined),
    usage: usage && {
      inputTokens: countAt(usage, 'promptTokenCount') ?? 0,
      outputTokens:
        (countAt(usage, 'candidatesTokenCount') ?? 0) + (countAt(usage, 'thoughtsTokenCount') ?? 0),
    },
  };
}

/** What a part says aloud: thoughts are not for the caller. */
function spokenText(part: JsonObject): string {
  return part['thought'] === true ? '' : (textAt(part, 'text') ?? '');
}

function callOf(part: JsonObject): ToolCall | undefined {
  const call = asObject(part['functionCall']);
  return (
    call && {
      id: textAt(call, 'id') ?? newCallId(),
      name: textAt(call, 'name') ?? '',
      arguments: JSON.stringify(objectAt(call, 'args')),
    }
  );
}

class GeminiReader implements PieceReader {
  private calls = 0;
  private finish: string | undefined;
  private usage: Usage = { inputTokens: 0, outputTokens: 0 };

  get isDone(): boolean {
    return this.finish !== undefined;
  }

  read(data: string): readonly Piece[] {
    const content = readContent(parseData(data));
    this.finish = content.finish ?? this.finish;
    this.usage = content.usage ?? this.usage;
    return content.parts.flatMap((part) => this.pieces(part));
  }

  end(): ReturnType<PieceReader['end']> {
    if (this.finish === undefined) return undefined;
    return { kind: 'end', finish: finishOf(this.finish, this.calls > 0), usage: this.usage };
  }

  private pieces(part: JsonObject): readonly Piece[] {
    const call = callOf(part);
    if (call !== undefined) {
      const index = this.calls++;
      return [
        { kind: 'tool-call', index, id: call.id, name: call.name },
        { kind: 'arguments', index, text: call.arguments },
      ];
    }
    const text = spokenText(part);
    return text === '' ? [] : [{ kind: 'text', text }];
  }
}

const WITHHELD = new Set(['SAFETY', 'RECITATION', 'BLOCKLIST', 'PROHIBITED_CONTENT', 'SPII']);

function finishOf(reason: string | undefined, hasCalls: boolean): FinishReason {
  if (hasCalls) return 'tool_calls';
  if (reason === 'MAX_TOKENS') return 'length';
  return WITHHELD.has(reason ?? '') ? 'content_filter' : 'stop';
}
