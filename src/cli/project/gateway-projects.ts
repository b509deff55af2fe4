import { ApiClient } from '../api/api-client.js';
import { apiUrls } from '../api/urls.js';
import { loadEnv } from '../environment.js';

/** A project as the gateway shows it; only what the commands print. */
export interface Project {
  readonly id: string;
  readonly slug: string;
  readonly name: string;
  readonly directory: string;
  readonly status: string;
  readonly waits_for: string | null;
  readonly error: string;
  readonly bootstrap_summary: string;
  readonly ideas_count: number;
  readonly tasks_done: number;
  readonly tasks_total: number;
  readonly created_at: string;
}

export interface ProjectDetails extends Project {
  readonly ideas: readonly string[];
  readonly plan: {
    readonly summary: string;
    readonly testing: string | null;
    readonly milestones: readonly {
      readonly name: string;
      readonly tasks: readonly {
        readonly id: string;
        readonly title: string;
        readonly action: string;
        readonly status: string;
        readonly error: string;
      }[];
    }[];
  } | null;
}

export type ProjectOrder = 'plan' | 'approve' | 'pause' | 'resume' | 'cancel';

interface ProjectAnswer {
  readonly project: ProjectDetails;
}

/** What `skynet project` asks of the gateway, a method a route. */
export class GatewayProjects {
  constructor(private readonly api: ApiClient) {}

  create(name: string, description: string): Promise<ProjectAnswer> {
    return this.api.send('POST', '/projects', { name, description });
  }

  addIdeas(project: string, ideas: readonly string[]): Promise<ProjectAnswer> {
    return this.api.send('POST', `${pathOf(project)}/ideas`, { ideas });
  }

  order(project: string, order: ProjectOrder): Promise<ProjectAnswer> {
    return this.api.send('POST', `${pathOf(project)}/${order}`);
  }

  remove(project: string): Promise<{ readonly removed: string; readonly directory: string }> {
    return this.api.send('DELETE', pathOf(project));
  }

  get(project: string): Promise<ProjectAnswer> {
    return this.api.get(pathOf(project));
  }

  /** All projects, newest first, of as many pages as there are. */
  async list(): Promise<{ readonly projects: readonly Project[] }> {
    const projects: Project[] = [];
    let cursor: string | undefined;
    do {
      const query = cursor === undefined ? '' : `&cursor=${encodeURIComponent(cursor)}`;
      const page = await this.api.get<{
        readonly projects: readonly Project[];
        readonly next_cursor?: string;
      }>(`/projects?limit=1000${query}`);
      projects.push(...page.projects);
      cursor = page.next_cursor;
    } while (cursor !== undefined);
    return { projects };
  }

  /** Opens the stream of a project's events, after the one that `lastId` names. */
  events(project: string, lastId: string | undefined, signal: AbortSignal): Promise<Response> {
    const headers = {
      accept: 'text/event-stream',
      ...(lastId === undefined ? {} : { 'last-event-id': lastId }),
    };
    return this.api.open(`${pathOf(project)}/events`, headers, signal);
  }
}

/** The gateway at `url`, else at OPENCLAW_GATEWAY_URL, with SKYNET_GATEWAY_TOKEN. */
export function openProjects(url: string | undefined): GatewayProjects {
  const env = loadEnv();
  const token = env.text('SKYNET_GATEWAY_TOKEN');
  const setting = url === undefined ? 'OPENCLAW_GATEWAY_URL' : '--url';
  const api = new ApiClient({
    name: 'gateway',
    urls: apiUrls([url ?? env.text('OPENCLAW_GATEWAY_URL')], setting),
    headers: token === '' ? {} : { authorization: `Bearer ${token}` },
    whenUnreachable: `Check that it runs there (skynet gateway), or set ${setting} to where it does.`,
    whenUnauthorized: `${token === '' ? 'SKYNET_GATEWAY_TOKEN is missing' : 'SKYNET_GATEWAY_TOKEN is wrong'}; set it to the token of the gateway.`,
  });
  return new GatewayProjects(api);
}

const pathOf = (project: string) => `/projects/${encodeURIComponent(project)}`;
