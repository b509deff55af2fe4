/** What `work` gives, or the reason of `signal` as an error when that fires first; `work` is then left to itself. */
export async function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  let stop: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(new Aborted(signal.reason));
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    if (stop !== undefined) signal.removeEventListener('abort', stop);
    // Whichever has lost may still fail, and nobody is left to hear it.
    work.catch(() => undefined);
    aborted.catch(() => undefined);
  }
}

/** The work was given up because its signal fired. */
export class Aborted extends Error {
  constructor(readonly reason: unknown) {
    super(`Given up: ${String(reason)}`);
  }
}
