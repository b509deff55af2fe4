import { AddressRefusedError } from '../../../platform/addresses/guarded-lookup.js';
import { type ControlPlaneConfig } from '../../config.js';
import { judgeHost } from '../domain/gateway-host.js';
import { describe, type DispatchOutcome, outcomeOfError } from '../domain/outcome.js';
import { type GatewayAddress, type ProbeResult } from '../gateway-protocol.js';
import { AccessError, type AccessService } from './access.service.js';
import { Connection, RpcError } from './connection.js';
import { textIn } from './domain/json.js';

const PLAIN_SCOPES = ['operator.read', 'operator.write'] as const;

/** What a connection is for, beyond turns and looks. */
export interface Wish {
  /** Answers requests for approval, or asks for what only an administrator may. */
  readonly asAdmin?: boolean;
  readonly relaysApprovals?: boolean;
}

/** Opens connections to gateways: judged hosts, with what opens them, and no more rights than a connection is for. */
export class Links {
  constructor(
    private readonly access: AccessService,
    private readonly config: ControlPlaneConfig,
  ) {}

  async open(
    gateway: GatewayAddress,
    { asAdmin = false, relaysApprovals = false }: Wish,
    signal: AbortSignal,
  ): Promise<Connection> {
    const url = this.urlOf(gateway);
    const access = await this.access.of(gateway);
    const connection = await Connection.open(url, {
      access,
      signal,
      scopes: asAdmin ? [...PLAIN_SCOPES, 'operator.admin'] : PLAIN_SCOPES,
      caps: relaysApprovals ? ['approvals', 'exec-approvals'] : [],
    });
    const { deviceToken } = connection;
    if (deviceToken !== null && access.device !== null && deviceToken !== access.deviceToken) {
      await this.access.keepDeviceToken(gateway, deviceToken);
    }
    return connection;
  }

  /** The gateway's URL, judged anew. */
  urlOf({ host }: GatewayAddress): string {
    const verdict = judgeHost(host, this.config.registry.hostAllowlist);
    if (!verdict.ok) throw new AddressRefusedError(`Invalid gateway host: ${verdict.reason}`);
    return verdict.host;
  }
}

/** Why a gateway that answers lets nobody in; null for any other trouble. */
export function whyTurnedAway(error: unknown): string | null {
  if (error instanceof AccessError) return error.message;
  if (!(error instanceof RpcError)) return null;
  const code = textIn(error.details, 'code');
  const requestId = textIn(error.details, 'requestId');
  if (error.code === 'NOT_PAIRED' || code === 'PAIRING_REQUIRED') {
    const how = /^[\w-]{1,100}$/.test(requestId)
      ? `run: openclaw devices approve ${requestId}`
      : 'approve it there';
    return `This control plane is not paired with the gateway; ${how}`;
  }
  return `The gateway refuses the connection: ${code || error.code}: ${error.message}`;
}

/** What a look has found that could not connect. */
export function probeOfFailure(error: unknown): ProbeResult {
  const why = whyTurnedAway(error);
  return why === null ? { kind: 'unreachable', reason: describe(error) } : { kind: 'not-ready', reason: why };
}

/**
 * What an attempt has come to that could not connect: nothing was sent. `ofKey`: and nothing was before, as our own records
 * say.
 */
export function outcomeOfFailedOpen(error: unknown, ofKey: boolean): DispatchOutcome {
  const why = whyTurnedAway(error);
  const transport = why === null && outcomeOfError(error).kind === 'not-executed';
  const retryAfterMs = error instanceof RpcError ? error.retryAfterMs : null;
  return { kind: 'not-executed', error: why ?? describe(error), transport, ofKey, retryAfterMs };
}
