import { randomUUID } from 'node:crypto';
import { type RawData, WebSocket } from 'ws';
import { guardedLookup } from '../../../platform/addresses/guarded-lookup.js';
import { productVersion } from '../../../platform/product-version.js';
import { type Access } from './access.service.js';
import { proofOf } from './device.js';
import { isObject, listIn, numberIn, objectIn, textIn } from './domain/json.js';

/** Frames beyond what the protocol allows end the connection. */
const MAX_FRAME_BYTES = 26_214_400;
const HANDSHAKE_MS = 10_000;
const PROTOCOL = 4;
const ROLE = 'operator';
const CLIENT = { id: 'gateway-client', mode: 'backend' } as const;

/** A call that the gateway has refused, in its words. */
export class RpcError extends Error {
  readonly isRetryable: boolean;
  readonly retryAfterMs: number | null;

  constructor(
    readonly code: string,
    message: string,
    readonly details: unknown,
    error: unknown,
  ) {
    super(message);
    this.isRetryable = code === 'UNAVAILABLE' || (isObject(error) && error['retryable'] === true);
    this.retryAfterMs = numberIn(error, 'retryAfterMs');
  }
}

/** The connection is gone: whether the gateway has done what it was asked is not known. */
export class ConnectionLostError extends Error {}

interface Pending {
  readonly resolve: (payload: unknown) => void;
  readonly reject: (error: Error) => void;
}

export interface OpenOptions {
  readonly access: Access;
  readonly scopes: readonly string[];
  readonly caps: readonly string[];
  readonly signal: AbortSignal;
}

/** An event of the gateway, by its name. */
export type EventListener = (event: string, payload: unknown) => void;

/**
 * A connection to an OpenClaw gateway, opened and admitted. Follows no redirect, judges the address that it connects to,
 * reads bounded frames, and sends no header that says on whose behalf it calls.
 */
export class Connection {
  /** Names the gateway's process: another one has forgotten what this one was sent. */
  readonly bootId: string;
  /** A token that the gateway has given our device; null when it gave none. */
  readonly deviceToken: string | null;

  private constructor(
    private readonly wire: Wire,
    hello: unknown,
  ) {
    this.bootId = textIn(objectIn(hello, 'server'), 'bootId');
    this.deviceToken = textIn(objectIn(hello, 'auth'), 'deviceToken') || null;
  }

  /** Throws {@link RpcError} when the gateway turns us away, else what went wrong on the way. */
  static async open(url: string, { access, scopes, caps, signal }: OpenOptions): Promise<Connection> {
    const wire = new Wire(url, signal);
    const timer = setTimeout(
      () => wire.fail(new ConnectionLostError('no answer to the handshake')),
      HANDSHAKE_MS,
    );
    try {
      const challenge = await wire.challenge;
      const { credential, device, deviceToken } = access;
      const token = credential === '' ? (deviceToken ?? '') : credential;
      const hello = await wire.call('connect', {
        ...{ minProtocol: PROTOCOL, maxProtocol: PROTOCOL, role: ROLE, scopes, caps },
        client: { ...CLIENT, version: productVersion, platform: process.platform },
        // Either field may carry the gateway's secret; it looks at the one of its mode.
        auth: token === '' ? {} : { token, ...(credential === '' ? {} : { password: credential }) },
        ...(device === null
          ? {}
          : {
              device: proofOf(device, {
                ...{ clientId: CLIENT.id, clientMode: CLIENT.mode, role: ROLE, scopes, token },
                platform: process.platform,
                nonce: textIn(challenge, 'nonce'),
                ts: numberIn(challenge, 'ts') ?? 0,
              }),
            }),
      });
      return new Connection(wire, hello);
    } catch (error) {
      wire.fail(error as Error);
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Calls a method. Throws {@link RpcError}, or {@link ConnectionLostError} when there is no answer for `timeoutMs`. */
  call(method: string, params: Record<string, unknown>, timeoutMs = HANDSHAKE_MS): Promise<unknown> {
    return this.wire.call(method, params, timeoutMs);
  }

  onEvent(listener: EventListener): void {
    this.wire.listeners.add(listener);
  }

  close(): void {
    this.wire.fail(new ConnectionLostError('closed'));
  }
}

/** Frames and calls, before anybody is admitted. */
class Wire {
  readonly listeners = new Set<EventListener>();
  readonly challenge: Promise<unknown>;
  private readonly socket: WebSocket;
  private readonly pending = new Map<string, Pending>();
  private failure: Error | undefined;
  private rejectChallenge: (error: Error) => void = () => undefined;

  constructor(url: string, signal: AbortSignal) {
    this.socket = new WebSocket(url.replace(/^http/, 'ws'), {
      ...{ followRedirects: false, handshakeTimeout: HANDSHAKE_MS, maxPayload: MAX_FRAME_BYTES },
      ...{ perMessageDeflate: false, lookup: guardedLookup },
    });
    this.challenge = new Promise((resolve, reject) => {
      this.rejectChallenge = reject;
      this.listeners.add((event, payload) => {
        if (event === 'connect.challenge') resolve(payload);
      });
    });
    // A caller that gives up before the challenge hears of it by its own signal.
    this.challenge.catch(() => undefined);
    const onAbort = () => this.fail(new ConnectionLostError('given up'));
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    this.socket.on('message', (data) => this.take(textOf(data)));
    this.socket.on('error', (error) => this.fail(error));
    this.socket.on('close', (code, reason) => {
      signal.removeEventListener('abort', onAbort);
      this.fail(
        new ConnectionLostError(
          `the gateway closed the connection (${code} ${String(reason).slice(0, 200)})`,
        ),
      );
    });
  }

  async call(method: string, params: Record<string, unknown>, timeoutMs = HANDSHAKE_MS): Promise<unknown> {
    if (this.failure !== undefined) throw this.failure;
    const id = randomUUID();
    const timer = setTimeout(
      () => this.fail(new ConnectionLostError(`${method} was not answered in ${timeoutMs} ms`)),
      timeoutMs,
    );
    try {
      return await new Promise((resolve, reject) => {
        this.pending.set(id, { resolve, reject });
        this.socket.send(JSON.stringify({ type: 'req', id, method, params }), (error) => {
          if (error != null) this.fail(error);
        });
      });
    } finally {
      clearTimeout(timer);
      this.pending.delete(id);
    }
  }

  /** Ends the connection, and all that wait for it hear why. */
  fail(error: Error): void {
    if (this.failure !== undefined) return;
    this.failure = error;
    this.rejectChallenge(error);
    for (const { reject } of this.pending.values()) reject(error);
    this.socket.terminate();
  }

  private take(text: string): void {
    let frame: unknown;
    try {
      frame = JSON.parse(text);
    } catch {
      this.fail(new ConnectionLostError('the gateway sent something that is not JSON'));
      return;
    }
    if (textIn(frame, 'type') === 'event') {
      const payload = isObject(frame) ? frame['payload'] : undefined;
      for (const listener of this.listeners) listener(textIn(frame, 'event'), payload);
      return;
    }
    // A second answer under the same id says no more than the turn's end does.
    const call = this.pending.get(textIn(frame, 'id'));
    if (call === undefined || !isObject(frame)) return;
    if (frame['ok'] === true) call.resolve(frame['payload']);
    else {
      const error = frame['error'];
      const message = textIn(error, 'message') || 'refused without a reason';
      call.reject(new RpcError(textIn(error, 'code'), message, objectIn(error, 'details'), error));
    }
  }
}

const textOf = (data: RawData): string =>
  Buffer.isBuffer(data) ? data.toString() : Buffer.concat([data].flat() as Buffer[]).toString();

/** Entries of a list that a call has answered, bare or in a field. */
export const entriesOf = (answer: unknown, field: string): readonly unknown[] =>
  Array.isArray(answer) ? answer : listIn(answer, field);
