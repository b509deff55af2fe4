import { asObject } from '../domain/arguments.js';
import { type ChatMessage, type ChatRequest, type Tool, type ToolCall } from '../domain/chat.js';
import { isTaskType, taskTypes } from '../domain/task-type.js';
import { OpenAiError } from './openai-error.js';

export interface CompletionRequest {
  readonly chat: ChatRequest;
  readonly stream: boolean;
  /** Whether a stream ends with the tokens that it took. */
  readonly includeUsage: boolean;
}

type JsonObject = Readonly<Record<string, unknown>>;

const MAX_MESSAGES = 2_000;
const MAX_PARTS = 1_000;
const MAX_TOOLS = 128;
const MAX_MODEL_LENGTH = 200;
const MAX_ID_LENGTH = 256;
const MAX_TOKENS = 1_000_000;
const NAME = /^[A-Za-z0-9_-]{1,64}$/;

/**
 * Reads a request in OpenAI's format. Throws an {@link OpenAiError} with status 400. What would change the answer and is
 * not supported is refused; other fields that are unknown are ignored.
 */
export function parseCompletionRequest(value: unknown): CompletionRequest {
  const body = asObject(value);
  if (body === undefined) throw invalid('The body must be a JSON object.');
  const { model, stream, task_type: taskType } = body;
  if (model !== undefined && (typeof model !== 'string' || model.length > MAX_MODEL_LENGTH)) {
    throw invalid(`'model' must be a string of at most ${MAX_MODEL_LENGTH} characters.`, 'model');
  }
  if (isGiven(taskType) && !isTaskType(taskType)) {
    throw invalid(`'task_type' must be one of ${taskTypes.join(', ')}.`, 'task_type');
  }
  if (isGiven(stream) && typeof stream !== 'boolean')
    throw invalid("'stream' must be true or false.", 'stream');
  refuseUnsupported(body);
  const maxTokens = readMaxTokens(body);
  const temperature = readTemperature(body['temperature']);
  const tools = body['tool_choice'] === 'none' ? [] : readTools(body['tools']);
  return {
    chat: {
      messages: readMessages(body['messages']),
      tools,
      ...(model === undefined ? {} : { model }),
      ...(isTaskType(taskType) ? { taskType } : {}),
      ...(maxTokens === undefined ? {} : { maxTokens }),
      ...(temperature === undefined ? {} : { temperature }),
    },
    stream: stream === true,
    includeUsage: asObject(body['stream_options'])?.['include_usage'] === true,
  };
}

function invalid(message: string, param?: string): OpenAiError {
  return new OpenAiError(400, message, param === undefined ? {} : { param });
}

const isGiven = (value: unknown) => value !== undefined && value !== null;

function refuseUnsupported(body: JsonObject): void {
  const { n, tool_choice: choice, response_format: format, stop } = body;
  if (isGiven(n) && n !== 1) throw invalid("Only one answer can be asked for: 'n' must be 1.", 'n');
  if (isGiven(choice) && choice !== 'auto' && choice !== 'none') {
    throw invalid("'tool_choice' must be auto or none.", 'tool_choice');
  }
  if (isGiven(format) && asObject(format)?.['type'] !== 'text') {
    throw invalid("'response_format' must be of type text.", 'response_format');
  }
  if (isGiven(stop)) throw invalid("'stop' is not supported.", 'stop');
}

function readMaxTokens(body: JsonObject): number | undefined {
  const name = isGiven(body['max_completion_tokens']) ? 'max_completion_tokens' : 'max_tokens';
  const value = body[name];
  if (!isGiven(value)) return undefined;
  if (!Number.isInteger(value) || Number(value) < 1 || Number(value) > MAX_TOKENS) {
    throw invalid(`'${name}' must be a whole number from 1 to ${MAX_TOKENS}.`, name);
  }
  return Number(value);
}

function readTemperature(value: unknown): number | undefined {
  if (!isGiven(value)) return undefined;
  if (typeof value !== 'number' || value < 0 || value > 2) {
    throw invalid("'temperature' must be a number from 0 to 2.", 'temperature');
  }
  return value;
}

function readTools(value: unknown): readonly Tool[] {
  if (!isGiven(value)) return [];
  if (!Array.isArray(value) || value.length > MAX_TOOLS) {
    throw invalid(`'tools' must be a list of at most ${MAX_TOOLS}.`, 'tools');
  }
  return value.map((entry: unknown, index) => {
    const at = `tools[${index}]`;
    const tool = asObject(entry);
    const called = asObject(tool?.['function']);
    if (tool?.['type'] !== 'function' || called === undefined) {
      throw invalid(`'${at}' must be {"type": "function", "function": {…}}.`, at);
    }
    const { name, description, parameters } = called;
    if (isGiven(description) && typeof description !== 'string') {
      throw invalid(`'${at}.function.description' must be a string.`, at);
    }
    const schema = asObject(parameters);
    if (isGiven(parameters) && schema === undefined) {
      throw invalid(`'${at}.function.parameters' must be an object.`, at);
    }
    return {
      name: readName(name, `${at}.function.name`),
      ...(typeof description === 'string' ? { description } : {}),
      ...(schema === undefined ? {} : { parameters: schema }),
    };
  });
}

function readName(value: unknown, at: string): string {
  if (typeof value !== 'string' || !NAME.test(value)) {
    throw invalid(`'${at}' must have 1 to 64 letters, digits, _ and -.`, at);
  }
  return value;
}

function readId(value: unknown, at: string): string {
  if (typeof value !== 'string' || value === '' || value.length > MAX_ID_LENGTH) {
    throw invalid(`'${at}' must be a string of 1 to ${MAX_ID_LENGTH} characters.`, at);
  }
  return value;
}

function readMessages(value: unknown): readonly ChatMessage[] {
  if (!Array.isArray(value) || value.length === 0 || value.length > MAX_MESSAGES) {
    throw invalid(`'messages' must be a list of 1 to ${MAX_MESSAGES} messages.`, 'messages');
  }
  const asked = new Set<string>();
  return value.map((entry: unknown, index) => {
    const message = readMessage(entry, `messages[${index}]`);
    for (const { id } of message.toolCalls ?? []) asked.add(id);
    if (message.role === 'tool' && !asked.has(message.toolCallId ?? '')) {
      throw invalid(
        `'messages[${index}].tool_call_id' names no tool call of an earlier message.`,
        `messages[${index}]`,
      );
    }
    return message;
  });
}

function readMessage(value: unknown, at: string): ChatMessage {
  const message = asObject(value);
  if (message === undefined) throw invalid(`'${at}' must be an object.`, at);
  const { role, content, tool_calls: toolCalls, tool_call_id: toolCallId } = message;
  switch (role) {
    case 'system':
    case 'developer':
      return { role: 'system', content: readContent(content, at) };
    case 'user':
      return { role, content: readContent(content, at) };
    case 'tool':
      return {
        role,
        content: readContent(content, at),
        toolCallId: readId(toolCallId, `${at}.tool_call_id`),
      };
    case 'assistant': {
      const calls = isGiven(toolCalls) ? readToolCalls(toolCalls, `${at}.tool_calls`) : [];
      const text = isGiven(content) || calls.length === 0 ? readContent(content, at) : '';
      return { role, content: text, ...(calls.length === 0 ? {} : { toolCalls: calls }) };
    }
    default:
      throw invalid(`'${at}.role' must be system, developer, user, assistant or tool.`, `${at}.role`);
  }
}

/** Text, or a list of parts that are text. */
function readContent(value: unknown, at: string): string {
  if (typeof value === 'string') return value;
  if (!Array.isArray(value) || value.length > MAX_PARTS) {
    throw invalid(
      `'${at}.content' must be a string or a list of at most ${MAX_PARTS} parts.`,
      `${at}.content`,
    );
  }
  return value
    .map((entry: unknown) => {
      const part = asObject(entry);
      const text = part?.['text'];
      if (part?.['type'] !== 'text' || typeof text !== 'string') {
        throw invalid(`'${at}.content' may only have parts of type text.`, `${at}.content`);
      }
      return text;
    })
    .join('');
}

function readToolCalls(value: unknown, at: string): readonly ToolCall[] {
  if (!Array.isArray(value) || value.length > MAX_TOOLS) {
    throw invalid(`'${at}' must be a list of at most ${MAX_TOOLS}.`, at);
  }
  return value.map((entry: unknown, index) => {
    const call = asObject(entry) ?? {};
    const called = asObject(call['function']) ?? {};
    const text = called['arguments'];
    if (typeof text !== 'string') throw invalid(`'${at}[${index}].function.arguments' must be a string.`, at);
    return {
      id: readId(call['id'], `${at}[${index}].id`),
      name: readName(called['name'], `${at}[${index}].function.name`),
      arguments: text,
    };
  });
}
