import { type ModelCall, type ModelReply, type Piece } from '../domain/chat.js';

/**
 * A way to the models of one provider. Both calls reject with a `CallFailure` when the provider fails, and with the
 * signal's reason when that ends them.
 */
export interface Adapter {
  /** Why it cannot be called at all, as a sentence; null when it can. */
  absence(): string | null;
  complete(call: ModelCall, signal: AbortSignal): Promise<ModelReply>;
  /** The answer bit by bit, at the pace of who takes it; ends with the piece `end`. Who leaves early ends the call. */
  stream(call: ModelCall, signal: AbortSignal): AsyncGenerator<Piece, void>;
}
