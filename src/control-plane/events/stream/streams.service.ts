import { Inject, Injectable } from '@nestjs/common';
import { type FastifyReply } from 'fastify';
import { Database } from '../../../platform/database/database.js';
import { type EventStream } from '../../../platform/http/event-stream.js';
import { OpenStreams } from '../../../platform/http/open-streams.js';
import { type Logger } from '../../../platform/logging/logger.js';
import { Turns } from '../../../platform/turns.js';
import { type ControlPlaneConfig } from '../../config.js';
import { CONFIG, LOGGER } from '../../runtime/index.js';
import { type Position } from '../domain/position.js';
import { type EventFilter } from '../event-filter.js';
import { readEnd, readPage } from '../events.queries.js';
import { Follower } from './follower.js';
import { LiveTail } from './live-tail.js';

const PAGE = 200;
/** So many streams that are behind read the log at once; a crowd that connects must not take all connections. */
const READERS = 2;

/** The streams of this replica. */
@Injectable()
export class StreamsService {
  private readonly turns = new Turns(READERS);
  private readonly streams: OpenStreams;

  constructor(
    private readonly database: Database,
    private readonly tail: LiveTail,
    @Inject(CONFIG) private readonly config: ControlPlaneConfig,
    @Inject(LOGGER) logger: Logger,
  ) {
    const { maxStreams: max, stallMs } = config.events;
    this.streams = new OpenStreams({ name: 'event streams', max, stallMs, logger });
  }

  /** How many are open. */
  get count(): number {
    return this.streams.count;
  }

  /**
   * Answers with what happens after `from`, or from now on, until one of the two sides ends it. Resolves when the answer
   * has begun; whatever speaks against it is thrown before.
   */
  async open(reply: FastifyReply, filter: EventFilter, from: Position | null): Promise<void> {
    await this.streams.begin(reply, async () => {
      const end = await this.turns.run(() => readEnd(this.database));
      return (stream) => this.serve(stream, filter, from, end);
    });
  }

  private async serve(
    stream: EventStream,
    filter: EventFilter,
    from: Position | null,
    end: Position,
  ): Promise<void> {
    const leave = this.tail.join(filter);
    const read = (after: Position) => this.turns.run(() => readPage(this.database, filter, after, PAGE));
    try {
      const options = { stream, tail: this.tail, read, filter, pingMs: this.config.events.pingMs };
      await new Follower(options, from, end).run();
    } finally {
      leave();
    }
  }
}
