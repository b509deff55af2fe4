import { onReaderGone } from './terminal.js';

const SHUTDOWN_LIMIT_MS = 20_000;

/**
 * Waits for SIGTERM or SIGINT, closes, and ends the process with 0. A second signal, or 20 s, ends it at once with 1.
 */
export function closeOnSignal(close: () => Promise<void>): void {
  let closing = false;
  const onSignal = () => {
    if (closing) process.exit(1);
    closing = true;
    setTimeout(() => {
      process.stderr.write('The shutdown took longer than 20 s; ending now.\n');
      process.exit(1);
    }, SHUTDOWN_LIMIT_MS).unref();
    close().then(
      () => process.exit(process.exitCode ?? 0),
      (error: unknown) => {
        const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
        process.stderr.write(`The shutdown failed: ${reason}\n`);
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
}

/**
 * Starts a program that serves until a signal. A signal that comes while it starts is obeyed once it has started, so that
 * nothing half begun, an embedded PostgreSQL above all, is left behind. Nobody has to read what it prints.
 */
export async function serveUntilSignal(start: () => Promise<() => Promise<void>>): Promise<void> {
  onReaderGone(() => undefined);
  // In a microtask: what it prints first may already be answered with a signal, which must find somebody listening.
  const starting = Promise.resolve().then(start);
  closeOnSignal(async () => {
    // A start that fails is told by whoever called this.
    const close = await starting.catch(() => undefined);
    await close?.();
  });
  await starting;
}
