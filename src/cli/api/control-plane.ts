import { type Command } from 'commander';
import { loadEnv } from '../environment.js';
import { ApiClient } from './api-client.js';
import { apiUrls } from './urls.js';

/** What every command that calls the control plane takes. */
export interface ApiFlags {
  readonly url?: string;
  readonly json?: true;
}

export function withApiFlags(command: Command): Command {
  return command
    .option('--url <address>', 'address of the API (SKYNET_ORCHESTRATOR_URL)')
    .option('--json', 'print what the API answers');
}

/**
 * The control plane at `--url`, else at SKYNET_ORCHESTRATOR_URL, with SKYNET_API_KEY. With `orHostToken` SKYCLAW_TOKEN is
 * shown as well, for routes on which it counts where the control plane has no key.
 */
export function openControlPlane({ url }: ApiFlags, { orHostToken = false } = {}): ApiClient {
  const env = loadEnv();
  const key = env.text('SKYNET_API_KEY');
  const token = orHostToken ? env.text('SKYCLAW_TOKEN') : '';
  const setting = url === undefined ? 'SKYNET_ORCHESTRATOR_URL' : '--url';
  return new ApiClient({
    name: 'control plane',
    urls: apiUrls([url ?? env.text('SKYNET_ORCHESTRATOR_URL')], setting),
    headers: {
      ...(key === '' ? {} : { 'x-api-key': key }),
      ...(token === '' ? {} : { 'x-skyclaw-token': token }),
    },
    whenUnreachable: `Check that it runs there (skynet serve), or set ${setting} to where it does.`,
    whenUnauthorized: `${key === '' ? 'SKYNET_API_KEY is missing' : 'SKYNET_API_KEY is wrong'}; set it to the key of the control plane${orHostToken ? ', or SKYCLAW_TOKEN where there is no key' : ''}.`,
  });
}
