import { type Database } from '../../../platform/database/database.js';
import { type AttemptOptions, type ExecutionOrder, type GatewayAddress } from '../gateway-protocol.js';
import { type AccessService } from './access.service.js';
import { type AgentTurn } from './domain/agent-turn.js';
import { type GatewayHttp } from './gateway-http.js';
import { type Links } from './links.js';
import { type OpenClawConfig } from './openclaw.config.js';

/** What turns are made with. */
export interface TurnParts {
  readonly database: Database;
  readonly access: AccessService;
  readonly links: Links;
  readonly http: GatewayHttp;
  readonly config: OpenClawConfig;
  /** Turns over HTTP that this process has under way, by their keys: aborting one hangs up. */
  readonly overHttp: Map<string, AbortController>;
}

/** One turn as it is asked for by one attempt. */
export interface TurnRequest {
  readonly gateway: GatewayAddress;
  readonly order: ExecutionOrder;
  readonly turn: AgentTurn;
  readonly timeoutSeconds: number;
  readonly options: AttemptOptions;
}
