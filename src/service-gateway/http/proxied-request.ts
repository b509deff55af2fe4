import { IncomingMessage } from 'node:http';

/**
 * A request that counts as an upgrade only when it is one to WebSocket. What asks for anything else (many clients offer
 * HTTP/2 that way) is an ordinary request, body included, as the standard allows.
 */
export class ProxiedRequest extends IncomingMessage {
  private asksForUpgrade: boolean | null = null;

  /** Written and read by the HTTP server, while it decides whether what follows the head is still HTTP. */
  get upgrade(): boolean | null {
    if (this.asksForUpgrade !== true || this.method === 'CONNECT') return this.asksForUpgrade;
    return this.headers.upgrade?.trim().toLowerCase() === 'websocket';
  }

  set upgrade(value: boolean | null) {
    this.asksForUpgrade = value;
  }
}
