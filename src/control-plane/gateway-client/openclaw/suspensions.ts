import { randomUUID } from 'node:crypto';
import { type Database } from '../../../platform/database/database.js';
import { type GatewayAddress } from '../gateway-protocol.js';
import { type Connection, RpcError } from './connection.js';
import { textIn } from './domain/json.js';
import { type Links } from './links.js';
import {
  askForSuspension,
  findSuspension,
  forgetSuspension,
  listSuspended,
  noteSuspension,
} from './suspensions.queries.js';
import { isAtWork } from './turns.queries.js';

/** A gateway opens again by itself 120 s after it was asked last. */
const RENEW_MS = 30_000;
const CALL_TIMEOUT_MS = 30_000;

/**
 * Keeps gateways from taking anything new, from whomever, while an operator drains them. A gateway that is suspended
 * answers nothing but questions about that, so it is asked only when nothing of ours is under way there: the end of a turn
 * could not be heard any more.
 */
export class Suspensions {
  constructor(
    private readonly database: Database,
    private readonly links: Links,
  ) {}

  /** See `GatewayProtocol.suspend`. What is asked again renews what was granted. */
  async suspend(gateway: GatewayAddress): Promise<boolean> {
    const { gatewayId } = gateway;
    if (await isAtWork(this.database, gatewayId)) return false;
    const wish = { requestId: `skynet-${randomUUID()}`, everyMs: RENEW_MS };
    const asked = await askForSuspension(this.database, gatewayId, wish);
    if (asked === null) return false;
    return this.connected(gateway, async (connection) => {
      const granted = await prepare(connection, asked.requestId);
      return noteSuspension(this.database, gatewayId, granted);
    });
  }

  /** See `GatewayProtocol.unsuspend`. */
  async unsuspend(gateway: GatewayAddress): Promise<void> {
    const { gatewayId } = gateway;
    const stored = await findSuspension(this.database, gatewayId);
    if (stored === null) return;
    await this.connected(gateway, async (connection) => {
      // Its answer may have been lost: asked again by the same name it says the id of what it has granted.
      const suspensionId = stored.suspensionId || (await prepare(connection, stored.requestId)).suspensionId;
      await connection.call('gateway.suspend.resume', { suspensionId }).catch((error: unknown) => {
        // It knows nothing of it: its process is another one, or the time was over.
        if (!(error instanceof RpcError && error.code === 'INVALID_REQUEST')) throw error;
      });
    });
    await forgetSuspension(this.database, gatewayId);
  }

  suspended(): Promise<readonly string[]> {
    return listSuspended(this.database);
  }

  private async connected<T>(
    gateway: GatewayAddress,
    ask: (connection: Connection) => Promise<T>,
  ): Promise<T> {
    const limit = AbortSignal.timeout(CALL_TIMEOUT_MS);
    const connection = await this.links.open(gateway, { asAdmin: true }, limit);
    try {
      return await ask(connection);
    } finally {
      connection.close();
    }
  }
}

async function prepare(
  connection: Connection,
  requestId: string,
): Promise<{ readonly suspensionId: string; readonly isIdle: boolean }> {
  const answer = await connection.call('gateway.suspend.prepare', { requestId, drain: true });
  return { suspensionId: textIn(answer, 'suspensionId'), isIdle: textIn(answer, 'status') === 'ready' };
}
