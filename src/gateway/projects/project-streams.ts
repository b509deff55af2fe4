import { setTimeout as wait } from 'node:timers/promises';
import { type FastifyReply } from 'fastify';
import { type Database } from '../../platform/database/database.js';
import { isUnavailable } from '../../platform/database/errors.js';
import { type EventStream, sseEvent } from '../../platform/http/event-stream.js';
import { OpenStreams } from '../../platform/http/open-streams.js';
import { type Logger } from '../../platform/logging/logger.js';
import { Problem } from '../../platform/problems/problem.js';
import { hasEnded } from './domain/project.js';
import { eventView } from './project-view.js';
import { listEvents } from './queries/events.queries.js';
import { findProject } from './queries/projects.queries.js';

const PAGE = 200;
/** How long a client should wait before it connects again. */
const RETRY_MS = 2_000;
/** Between two looks of one stream: a project may be worked on by any gateway on the database. */
const LOOK_EVERY_MS = 500;
const PING_EVERY_MS = 15_000;
const STALL_MS = 30_000;

/** The streams of project events that this gateway serves. */
export class ProjectStreams {
  private readonly streams: OpenStreams;

  constructor(
    private readonly database: Database,
    max: number,
    logger: Logger,
  ) {
    this.streams = new OpenStreams({ name: 'project streams', max, stallMs: STALL_MS, logger });
  }

  /** Answers with the events of a project after an id, until one side ends it or nothing more will happen. */
  async open(reply: FastifyReply, idOrSlug: string, afterId: number): Promise<void> {
    await this.streams.begin(reply, async () => {
      const project = await findProject(this.database, idOrSlug);
      if (project === null) throw new Problem('project-not-found', `Project '${idOrSlug}' not found.`);
      return (stream) => this.serve(stream, project.id, afterId);
    });
  }

  private async serve(stream: EventStream, projectId: string, afterId: number): Promise<void> {
    await stream.send(`retry: ${RETRY_MS}\n\n`);
    let at = afterId;
    let sentAtMs = performance.now();
    while (stream.end === undefined) {
      const look = await this.look(projectId, at);
      for (const event of look.events) {
        await stream.send(
          sseEvent({ id: String(event.id), event: event.type, data: JSON.stringify(eventView(event)) }),
        );
        at = event.id;
        sentAtMs = performance.now();
      }
      if (look.events.length === PAGE) continue;
      if (look.end !== null) {
        stream.close(sseEvent({ id: String(at), event: 'end', data: JSON.stringify({ status: look.end }) }));
        return;
      }
      if (performance.now() - sentAtMs >= PING_EVERY_MS) {
        await stream.send(': ping\n\n');
        sentAtMs = performance.now();
      }
      await wait(LOOK_EVERY_MS, undefined, { signal: stream.signal }).catch(() => undefined);
    }
    if (stream.end === 'draining') {
      stream.close(
        sseEvent({ id: String(at), event: 'end', data: JSON.stringify({ reason: 'shutting-down' }) }),
      );
    }
  }

  /** What comes next, and whether that is the last. The project is looked at first: its last event comes with its end. */
  private async look(
    projectId: string,
    afterId: number,
  ): Promise<{ readonly events: Awaited<ReturnType<typeof listEvents>>; readonly end: string | null }> {
    try {
      const project = await findProject(this.database, projectId);
      if (project === null) return { events: [], end: 'removed' };
      const events = await listEvents(this.database, projectId, afterId, PAGE);
      return { events, end: hasEnded(project) ? project.status : null };
    } catch (error) {
      // A database that is away is waited for; the client hears pings, and misses nothing.
      if (isUnavailable(error)) return { events: [], end: null };
      throw error;
    }
  }
}
