import { Inject, Injectable } from '@nestjs/common';
import { type FastifyReply } from 'fastify';
import { EventStream } from '../../../platform/http/event-stream.js';
import { type Logger } from '../../../platform/logging/logger.js';
import { Problem } from '../../../platform/problems/problem.js';
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
const RETRY_SECONDS = 5;

/** The streams of output of this replica. */
@Injectable()
export class LogStreamsService {
  private readonly turns = new Turns(READERS);
  private streams = 0;

  constructor(
    private readonly pages: PagesService,
    private readonly tail: OutputTail,
    @Inject(CONFIG) private readonly config: ControlPlaneConfig,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** How many are open. */
  get count(): number {
    return this.streams;
  }

  /**
   * Answers with the output behind a place and all that is printed from then on, until one of the two sides ends it.
   * Resolves when the answer has begun; whatever speaks against it is thrown before.
   */
  async open(reply: FastifyReply, subject: Subject, from: Place): Promise<void> {
    const { maxLogStreams } = this.config.skyclaw;
    if (this.streams >= maxLogStreams) {
      throw new Problem(
        'too-many-streams',
        `This replica serves ${maxLogStreams} streams of output already.`,
        {
          retryAfterSeconds: RETRY_SECONDS,
        },
      );
    }
    this.streams++;
    let serving: Promise<void> | undefined;
    try {
      const first = await this.read(subject, from);
      serving = this.serve(EventStream.open(reply, this.config.events.stallMs), subject, from, first);
    } finally {
      if (serving === undefined) this.streams--;
    }
    void serving.finally(() => this.streams--);
  }

  private read(subject: Subject, after: Place): Promise<Page> {
    return this.turns.run(() => this.pages.read(subject, after, PAGE));
  }

  private async serve(stream: EventStream, subject: Subject, from: Place, first: Page): Promise<void> {
    const watch = this.tail.join(subject);
    const read = (after: Place) => this.read(subject, after);
    try {
      await new Follower({ stream, watch, read, pingMs: this.config.events.pingMs }, from).run(first);
      if (stream.end === 'stalled')
        this.logger.info('A stream of output was cut off: its client took nothing of what was sent.');
    } catch (error) {
      this.logger.error({ err: error }, 'A stream of output failed.');
      stream.cut();
    } finally {
      watch.leave();
    }
  }
}
