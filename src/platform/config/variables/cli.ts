import { type Variable } from './variable.js';

export const cliVariables = {
  SKYCLAW_COORDINATOR_URL: {
    group: 'cli',
    about: 'Where the coordinator is that hosts and skyclaw commands talk to.',
    default: 'http://127.0.0.1:8787',
  },
  SKYCLAW_COORDINATOR_URLS: {
    group: 'cli',
    about:
      'Comma list of coordinators, of which the first that answers is used by hosts and skyclaw commands; wins over SKYCLAW_COORDINATOR_URL.',
  },
  SKYCLAW_CLI_RECONNECT_SECS: {
    group: 'cli',
    about: 'Seconds that a skyclaw command that waits goes on trying when the coordinator does not answer.',
    default: '120',
  },
  SKYNET_ORCHESTRATOR_URL: {
    group: 'cli',
    about:
      'Where the API of the control plane is that skynet public-key and skynet gateways talk to, and the projects of a gateway, with SKYNET_API_KEY. A gateway registers itself there, only if this is set.',
    default: 'http://localhost:8000',
  },
} as const satisfies Record<string, Variable>;
