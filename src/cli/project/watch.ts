import { setTimeout as wait } from 'node:timers/promises';
import { ApiError, UnreachableError } from '../api/api-error.js';
import { serverSentEvents } from '../api/server-sent-events.js';
import { plain, say } from '../terminal.js';
import { type GatewayProjects } from './gateway-projects.js';

/** A stream that says nothing for so long, not even that it is alive, is taken for dead. */
const SILENCE_MS = 60_000;
const RECONNECT_MS = 1_000;
/** How long a gateway that does not answer is borne. */
const PATIENCE_MS = 120_000;

interface ProjectEvent {
  readonly type: string;
  readonly message: string;
  readonly created_at: string;
}

/**
 * Prints what happens to a project, from its first event on, until it has ended. A stream that breaks off is resumed
 * after the event that came last. Returns how the project has ended: `completed`, `failed`, `cancelled` or `removed`.
 */
export async function watchProject(
  projects: GatewayProjects,
  project: string,
  { json }: { readonly json: boolean },
): Promise<string> {
  let lastId: string | undefined;
  let lostAtMs: number | undefined;
  for (;;) {
    const ending = new AbortController();
    const silence = setTimeout(() => ending.abort(), SILENCE_MS);
    try {
      const { body } = await projects.events(project, lastId, ending.signal);
      for await (const said of serverSentEvents(signsOf(body, silence))) {
        lostAtMs = undefined;
        if (said.kind === 'retry') continue;
        const { event, data, id } = said.event;
        if (event === 'end') {
          const { status } = JSON.parse(data) as { status?: string };
          if (status !== undefined) return status;
          break;
        }
        print(JSON.parse(data) as ProjectEvent, json);
        lastId = id;
      }
    } catch (error) {
      if (error instanceof ApiError && error.status < 500) throw error;
      lostAtMs ??= performance.now();
      if (performance.now() - lostAtMs >= PATIENCE_MS) {
        throw error instanceof ApiError || error instanceof UnreachableError
          ? error
          : new UnreachableError('The gateway breaks the stream off again and again.');
      }
    } finally {
      clearTimeout(silence);
      ending.abort();
    }
    await wait(RECONNECT_MS);
  }
}

/** The same chunks, each a sign of life. */
async function* signsOf(
  body: AsyncIterable<Uint8Array> | null,
  silence: NodeJS.Timeout,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of body ?? []) {
    silence.refresh();
    yield chunk;
  }
}

function print(event: ProjectEvent, json: boolean): void {
  if (json) say(JSON.stringify(event));
  else
    say(
      plain(
        `${event.created_at.slice(11, 19)}  ${event.type.padEnd(21)}  ${event.message.replaceAll('\n', '; ')}`,
      ),
    );
}
