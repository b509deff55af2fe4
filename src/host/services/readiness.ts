import net from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { request } from 'undici';

const LOOK_MS = 100;
const CONNECT_LIMIT_MS = 1_000;
const HEALTH_LIMIT_MS = 2_000;
/** On this machine a service may listen on either. */
const ADDRESSES = ['127.0.0.1', '::1'] as const;

export interface ReadinessOptions {
  readonly port: number;
  readonly healthPath: string | undefined;
  /** What a connection alone does not tell. */
  readonly listens: (port: number) => Promise<boolean>;
  readonly limitMs: number;
  /** Fires when the process has ended. */
  readonly signal: AbortSignal;
}

/**
 * Waits until a service accepts connections, and answers below 500 on its health path if it has one. Gives whether it did
 * within the limit.
 */
export async function becomesReady(options: ReadinessOptions): Promise<boolean> {
  const { limitMs, signal } = options;
  const end = performance.now() + limitMs;
  while (!signal.aborted && performance.now() < end) {
    if (await isReady(options)) return true;
    await wait(LOOK_MS, undefined, { signal }).catch(() => undefined);
  }
  return false;
}

async function isReady({ port, healthPath, listens }: ReadinessOptions): Promise<boolean> {
  if (!(await listens(port))) return false;
  for (const address of ADDRESSES) {
    if (!(await accepts(address, port))) continue;
    return healthPath === undefined || (await answers(address, port, healthPath));
  }
  return false;
}

function accepts(host: string, port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = net.connect({ host, port });
    const finish = (isOpen: boolean) => {
      socket.destroy();
      done(isOpen);
    };
    socket.setTimeout(CONNECT_LIMIT_MS, () => finish(false));
    socket.once('connect', () => finish(true));
    socket.once('error', () => finish(false));
  });
}

async function answers(host: string, port: number, path: string): Promise<boolean> {
  const address = host.includes(':') ? `[${host}]` : host;
  try {
    const { statusCode, body } = await request(`http://${address}:${port}/${path.replace(/^\/+/, '')}`, {
      signal: AbortSignal.timeout(HEALTH_LIMIT_MS),
      reset: true,
    });
    await body.dump();
    return statusCode < 500;
  } catch {
    // Not yet.
    return false;
  }
}
