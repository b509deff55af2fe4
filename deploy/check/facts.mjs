// What the repository says of the programs: settings, paths that answer without a key, the compose file.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { variables } from '../../dist/platform/config/variables/index.js';

const root = join(import.meta.dirname, '..', '..');
const read = (path) => readFileSync(join(root, path), 'utf8');

const { paths } = parse(read('openapi.yaml'));
const gateway = read('src/gateway/http/app.ts');
const serviceGateway = read('src/service-gateway/http/gateway-server.ts');

export const facts = {
  variables,
  compose: parse(read('docker-compose.yml')),
  /** Paths that a probe may ask, by command. */
  openPaths: {
    serve: Object.keys(paths).filter((path) => paths[path].get?.security?.length === 0),
    gateway: [.../OPEN_ROUTES = new Set\(\[([^\]]*)\]/.exec(gateway)[1].matchAll(/'([^']+)'/g)].map(
      ([, path]) => path,
    ),
    'service-gateway': [...serviceGateway.matchAll(/path === '(\/health)'/g)].map(([, path]) => path),
  },
};
