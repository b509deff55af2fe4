import { type WebSocket } from 'ws';

export type Fields = Record<string, unknown>;

/** A connection, and what it was admitted with. */
export interface Client {
  readonly socket: WebSocket;
  scopes: readonly string[];
  caps: readonly string[];
}

/** What every connection is greeted with. */
export interface Challenge {
  readonly nonce: string;
  readonly ts: number;
}

/** An answer to a request that was not accepted. */
export class Refusal extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly more: Fields = {},
  ) {
    super(message);
  }
}

export function requireAdmin(client: Client): void {
  if (!client.scopes.includes('operator.admin')) {
    throw new Refusal('INVALID_REQUEST', 'missing scope: operator.admin');
  }
}
