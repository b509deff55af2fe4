import { type ModelCall, type ModelReply, type Piece } from '../domain/chat.js';

/** What is sent to a provider: a path below its base URL, and the body. */
export interface WireRequest {
  readonly path: string;
  readonly body: object;
}

/** Reads an answer that comes bit by bit. */
export interface PieceReader {
  /** The pieces in one event or line. Throws a `CallFailure` when the provider tells of an error, or nobody can read it. */
  read(data: string): readonly Piece[];
  /** Whether nothing more is awaited. */
  readonly isDone: boolean;
  /** The last piece of an answer that is over; undefined when it has broken off. */
  end(): Extract<Piece, { kind: 'end' }> | undefined;
}

/** How a provider is spoken to. Nothing here knows of connections, keys or time. */
export interface WireFormat {
  request(call: ModelCall, options: { readonly stream: boolean }): WireRequest;
  /** Reads a whole answer. Throws a `CallFailure` when it is none. */
  reply(body: unknown): ModelReply;
  /** How a streamed answer is cut: Server-Sent Events, or a JSON value a line. */
  readonly framing: 'events' | 'lines';
  reader(): PieceReader;
}
