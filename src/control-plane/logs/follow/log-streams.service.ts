import { Inject, Injectable } from '@nestjs/common';
import { type FastifyReply } from 'fastify';
import { type EventStream } from '../../../platform/http/event-stream.js';
import { OpenStreams } from '../../../platform/http/open-streams.js';
import { type Logger } from '../../../platform/logging/logger.js';
import { Turns } from '../../../platform/turns.js';
import { type ControlPlaneConfig } from '../../config.js';
import { CONFIG, LOGGER } from '../../runtime/index.js';
import { type Place, type Subject } from '../domain/subject.js';
import { type Page, PagesService } from '../pages.service.js';
import { Follower } from './follower.js';
import { OutputTail } from './output-tail.js';

const PAGE = 200;
/** So many streams read at once; a crowd that follows must not take all connections. */
const READERS = 3;

/** The streams of output of this replica. */
@Injectable()
export class LogStreamsService {
  private readonly turns = new Turns(READERS);
  private readonly streams: OpenStreams;

  constructor(
    private readonly pages: PagesService,
    private readonly tail: OutputTail,
    @Inject(CONFIG) private readonly config: ControlPlaneConfig,
    @Inject(LOGGER) logger: Logger,
  ) {
    const { skyclaw, events } = config;
    const { maxLogStreams: max } = skyclaw;
    this.streams = new OpenStreams({ name: 'streams of output', max, stallMs: events.stallMs, logger });
  }

  /** How many are open. */
  get count(): number {
    return this.streams.count;
  }

  /**
   * Answers with the output behind a place and all that is printed from then on, until one of the two sides ends it.
   * Resolves when the answer has begun; whatever speaks against it is thrown before.
   */
  async open(reply: FastifyReply, subject: Subject, from: Place): Promise<void> {
    await this.streams.begin(reply, async () => {
      const first = await this.read(subject, from);
      return (stream) => this.serve(stream, subject, from, first);
    });
  }

  private read(subject: Subject, after: Place): Promise<Page> {
    return this.turns.run(() => this.pages.read(subject, after, PAGE));
  }

  private async serve(stream: EventStream, subject: Subject, from: Place, first: Page): Promise<void> {
    const watch = this.tail.join(subject);
    const read = (after: Place) => this.read(subject, after);
    try {
      await new Follower({ stream, watch, read, pingMs: this.config.events.pingMs }, from).run(first);
    } finally {
      watch.leave();
    }
  }
}
