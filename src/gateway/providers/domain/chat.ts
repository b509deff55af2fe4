import { type TaskType } from './task-type.js';

/** A message of a conversation. */
export interface ChatMessage {
  readonly role: 'system' | 'user' | 'assistant' | 'tool';
  readonly content: string;
  /** What an assistant has asked for. */
  readonly toolCalls?: readonly ToolCall[];
  /** Of a tool's message: the call that it answers. */
  readonly toolCallId?: string;
}

/** A model's wish to have a tool run. */
export interface ToolCall {
  /** The same in every round of the conversation, whichever provider carries it on. */
  readonly id: string;
  readonly name: string;
  /** The JSON text of an object. */
  readonly arguments: string;
}

/** A tool that a model may ask for. */
export interface Tool {
  readonly name: string;
  readonly description?: string;
  /** JSON Schema of the object that it takes. */
  readonly parameters?: Readonly<Record<string, unknown>>;
}

export interface ChatRequest {
  readonly messages: readonly ChatMessage[];
  /** What the request is for: some providers are better at it. */
  readonly taskType?: TaskType;
  /** `auto`, a provider's name to prefer it, or `provider/model` to allow that one only. */
  readonly model?: string;
  readonly tools?: readonly Tool[];
  readonly maxTokens?: number;
  readonly temperature?: number;
  /** Ends the call under way. */
  readonly signal?: AbortSignal;
}

export interface Usage {
  readonly inputTokens: number;
  readonly outputTokens: number;
}

export interface ChatReply {
  readonly text: string;
  readonly toolCalls: readonly ToolCall[];
  /** Who answered. */
  readonly provider: string;
  readonly model: string;
  readonly usage: Usage;
}

/** Why a model stopped. */
export type FinishReason = 'stop' | 'length' | 'tool_calls' | 'content_filter';

/** What a provider is asked: a request for one model of it. */
export interface ModelCall {
  readonly model: string;
  readonly messages: readonly ChatMessage[];
  readonly tools: readonly Tool[];
  readonly maxTokens?: number;
  readonly temperature?: number;
}

/** What a model answered. */
export interface ModelReply {
  readonly text: string;
  readonly toolCalls: readonly ToolCall[];
  readonly finish: FinishReason;
  readonly usage: Usage;
}

/** A piece of an answer that comes bit by bit. */
export type Piece =
  | { readonly kind: 'text'; readonly text: string }
  /** A tool call begins; `index` numbers those of the answer from 0. */
  | { readonly kind: 'tool-call'; readonly index: number; readonly id: string; readonly name: string }
  /** More of the arguments of a call that has begun. */
  | { readonly kind: 'arguments'; readonly index: number; readonly text: string }
  /** The last one. */
  | { readonly kind: 'end'; readonly finish: FinishReason; readonly usage: Usage };
