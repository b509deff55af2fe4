import { type FastifyInstance } from 'fastify';

/** Every route of the running server, from its own table: `METHOD /path`. */
export function routesOf(server: FastifyInstance): string[] {
  const routes: string[] = [];
  const stack: { depth: number; path: string }[] = [];
  for (const line of server.printRoutes({ commonPrefix: false }).split('\n')) {
    const match = /^([\s│├└─]*)(\S+)(?: \(([A-Z, ]+)\))?$/.exec(line);
    if (match === null) continue;
    const [, indent = '', part = '', methods = ''] = match;
    while (stack.length > 0 && (stack.at(-1)?.depth ?? 0) >= indent.length) stack.pop();
    const path = `${stack.at(-1)?.path ?? ''}${part}`;
    stack.push({ depth: indent.length, path });
    for (const method of methods.split(', ').filter((name) => name !== '')) routes.push(`${method} ${path}`);
  }
  return routes;
}
