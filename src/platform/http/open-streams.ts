import { type FastifyReply } from 'fastify';
import { type Logger } from '../logging/logger.js';
import { Problem } from '../problems/problem.js';
import { lineOf } from './request-tracing.js';
import { EventStream } from './event-stream.js';

const RETRY_SECONDS = 5;

export interface OpenStreamsOptions {
  /** Of what the streams are, as they are called in answers and in the log. */
  readonly name: string;
  /** How many this replica serves at once. */
  readonly max: number;
  /** How long a client may take nothing. */
  readonly stallMs: number;
  readonly logger: Logger;
}

/** The streams of one kind that this replica serves, up to a limit. */
export class OpenStreams {
  private open = 0;

  constructor(private readonly options: OpenStreamsOptions) {}

  /** How many are open. */
  get count(): number {
    return this.open;
  }

  /**
   * Answers with a stream, and has what `prepare` returns serve it until it is over. Resolves when the answer has begun;
   * whatever speaks against it, and what `prepare` throws, is thrown before.
   */
  async begin(
    reply: FastifyReply,
    prepare: () => Promise<(stream: EventStream) => Promise<void>>,
  ): Promise<void> {
    const { name, max, stallMs } = this.options;
    if (this.open >= max) {
      throw new Problem('too-many-streams', `This replica serves ${max} ${name} already.`, {
        retryAfterSeconds: RETRY_SECONDS,
      });
    }
    this.open++;
    let serving: Promise<void> | undefined;
    try {
      const serve = await prepare();
      serving = this.run(EventStream.open(reply, stallMs), serve, lineOf(reply.request));
    } finally {
      if (serving === undefined) this.open--;
    }
    void serving.finally(() => this.open--);
  }

  private async run(
    stream: EventStream,
    serve: (stream: EventStream) => Promise<void>,
    line: object,
  ): Promise<void> {
    const { name: streams, logger } = this.options;
    try {
      await serve(stream);
      if (stream.end === 'stalled') {
        logger.info({ ...line, streams }, 'A stream was cut off: its client took nothing of what was sent.');
      }
    } catch (error) {
      logger.error({ err: error, ...line, streams }, 'A stream failed.');
      stream.cut();
    }
  }
}
