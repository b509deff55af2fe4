import { type FastifyInstance } from 'fastify';

interface KnownRoute {
  readonly method: string;
  readonly segments: readonly string[];
}

/**
 * Which methods a path would answer to, so that a known path with the wrong method can say 405 with `Allow` instead of
 * 404. Patterns know literal segments and `:name`; those with wildcards or expressions are left out.
 */
export class AllowedMethods {
  private readonly routes: KnownRoute[] = [];

  constructor(server: FastifyInstance) {
    server.addHook('onRoute', ({ method, url }) => {
      if (/[*(]/.test(url)) return;
      for (const name of [method].flat()) this.routes.push({ method: name, segments: split(url) });
    });
  }

  /** The methods of `path`, sorted; empty when no route has that path. */
  of(path: string): string[] {
    const segments = split(path);
    const methods = this.routes
      .filter((route) => matches(route.segments, segments))
      .map((route) => route.method);
    return [...new Set(methods)].sort();
  }
}

function split(path: string): string[] {
  return path.replace(/\/+$/, '').split('/');
}

function matches(pattern: readonly string[], path: readonly string[]): boolean {
  return (
    pattern.length === path.length &&
    pattern.every((segment, index) =>
      segment.startsWith(':') ? path[index] !== '' : segment === path[index],
    )
  );
}
