import { type FastifyReply } from 'fastify';
import { EventStream } from '../../../platform/http/event-stream.js';
import { type Logger } from '../../../platform/logging/logger.js';
import { type ChatRequest } from '../domain/chat.js';
import { ProvidersError } from '../errors.js';
import { type ProviderRouter, type Registered } from '../provider-router.js';
import { ChunkWriter, completionOf, dataEvent, DONE_EVENT } from './completion-answer.js';
import { type CompletionRequest, parseCompletionRequest } from './completion-request.js';
import { type ModelsView, type ModelView } from './completions.dto.js';
import { asOpenAiError, OpenAiError, openAiErrorBody } from './openai-error.js';

const PROVIDER_HEADER = 'x-skynet-provider';

export interface CompletionsOptions {
  readonly router: ProviderRouter;
  readonly registered: readonly Registered[];
  readonly logger: Logger;
  /** How many requests are answered at once. */
  readonly maxRequests: number;
  /** How long a client may take nothing of a stream. */
  readonly stallMs: number;
}

/** Answers requests in OpenAI's format. A client that hangs up ends the call under way. */
export class CompletionsService {
  private open = 0;

  constructor(private readonly options: CompletionsOptions) {}

  async answer(body: unknown, reply: FastifyReply): Promise<void> {
    const request = parseCompletionRequest(body);
    const { maxRequests } = this.options;
    if (this.open >= maxRequests) {
      const message = `This gateway answers ${maxRequests} requests already.`;
      throw new OpenAiError(503, message, { code: 'overloaded', retryAfterSeconds: 1 });
    }
    this.open++;
    try {
      const gone = new AbortController();
      reply.raw.once('close', () => gone.abort(new ProvidersError('aborted', 'The caller has hung up.')));
      const chat = { ...request.chat, signal: gone.signal };
      await (request.stream ? this.stream(chat, request, reply) : this.complete(chat, reply));
    } finally {
      this.open--;
    }
  }

  /** What can be asked for: `auto`, and the providers that are there with their models. */
  models(): ModelsView {
    const present = this.options.registered.filter(({ adapter }) => adapter.absence() === null);
    const names = present.flatMap(({ settings: { name, models } }): ModelView[] => [
      modelView(name, name),
      ...models.map((model) => modelView(`${name}/${model}`, name)),
    ]);
    return { object: 'list', data: [modelView('auto', 'skynet'), ...names] };
  }

  private async complete(chat: ChatRequest, reply: FastifyReply): Promise<void> {
    const answer = await this.options.router.complete(chat);
    await reply.header(PROVIDER_HEADER, answer.provider).send(completionOf(answer));
  }

  private async stream(
    chat: ChatRequest,
    { includeUsage }: CompletionRequest,
    reply: FastifyReply,
  ): Promise<void> {
    const { router, stallMs, logger } = this.options;
    const answer = await router.stream(chat);
    void reply.header(PROVIDER_HEADER, answer.provider);
    const stream = EventStream.open(reply, stallMs);
    const chunks = new ChunkWriter(answer, includeUsage);
    try {
      await stream.send(chunks.begin());
      for await (const piece of answer.pieces) {
        await stream.send(chunks.piece(piece));
        if (stream.end === 'gone' || stream.end === 'stalled') return;
      }
      stream.close(DONE_EVENT);
    } catch (error) {
      if (!(error instanceof ProvidersError)) logger.error({ err: error }, 'A streamed answer failed.');
      const { status, message, code } =
        error instanceof ProvidersError ? asOpenAiError(error) : new OpenAiError(500, 'Internal error.');
      stream.close(dataEvent(openAiErrorBody(status, message, { code })));
    }
  }
}

function modelView(id: string, owner: string): ModelView {
  return { id, object: 'model', created: 0, owned_by: owner };
}
