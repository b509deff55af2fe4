import { type FileEntry, type SFTPWrapper, type Stats } from 'ssh2';
import { TransportError } from '../connection/transport-error.js';
import { untilAborted } from '../../../platform/until-aborted.js';

/** What SFTP calls the reasons of its refusals. */
const EOF = 1;
const NO_SUCH_FILE = 2;
const NO_CONNECTION = 6;
const CONNECTION_LOST = 7;

/**
 * The files of the host, over SFTP. Each call rejects with the host's own error, with a {@link TransportError} when the
 * way broke, or with the reason of the signal when that fires first.
 */
export class RemoteFiles {
  constructor(
    private readonly sftp: SFTPWrapper,
    private readonly signal: AbortSignal,
    /** Asked when the way breaks: whether the action may have changed something by then. */
    private readonly mayHaveBegun: () => boolean,
  ) {}

  realPath(path: string): Promise<string> {
    return this.ask((answer) => this.sftp.realpath(path, answer));
  }

  lstat(path: string): Promise<Stats> {
    return this.ask((answer) => this.sftp.lstat(path, answer));
  }

  stat(path: string): Promise<Stats> {
    return this.ask((answer) => this.sftp.stat(path, answer));
  }

  readLink(path: string): Promise<string> {
    return this.ask((answer) => this.sftp.readlink(path, answer));
  }

  makeFolder(path: string, mode?: number): Promise<void> {
    return this.ask((answer) => {
      const done = (error: Error | null | undefined) => answer(error ?? undefined, undefined);
      if (mode === undefined) this.sftp.mkdir(path, done);
      else this.sftp.mkdir(path, { mode }, done);
    });
  }

  remove(path: string): Promise<void> {
    return this.ask((answer) => this.sftp.unlink(path, (error) => answer(error ?? undefined, undefined)));
  }

  removeFolder(path: string): Promise<void> {
    return this.ask((answer) => this.sftp.rmdir(path, (error) => answer(error ?? undefined, undefined)));
  }

  changeMode(path: string, mode: number): Promise<void> {
    return this.ask((answer) =>
      this.sftp.chmod(path, mode, (error) => answer(error ?? undefined, undefined)),
    );
  }

  /** Puts a file in the place of another one, whole: readers see the one or the other. */
  replace(path: string, by: string): Promise<void> {
    return this.ask((answer) =>
      this.sftp.ext_openssh_rename(by, path, (error) => answer(error ?? undefined, undefined)),
    );
  }

  /** The beginning of a file, at most `maxBytes` of it. */
  async readHead(path: string, maxBytes: number): Promise<Buffer> {
    const handle = await this.ask<Buffer>((answer) => this.sftp.open(path, 'r', answer));
    try {
      const buffer = Buffer.alloc(maxBytes);
      let size = 0;
      while (size < maxBytes) {
        const got = await this.read(handle, buffer, size);
        if (got === 0) break;
        size += got;
      }
      return buffer.subarray(0, size);
    } finally {
      this.close(handle);
    }
  }

  /** Makes a file with this content, and with this mode if one is named; it must not be there yet. */
  async create(path: string, content: Buffer, mode?: number): Promise<void> {
    const handle = await this.ask<Buffer>((answer) =>
      mode === undefined ? this.sftp.open(path, 'wx', answer) : this.sftp.open(path, 'wx', mode, answer),
    );
    try {
      await this.ask((answer) =>
        this.sftp.write(handle, content, 0, content.length, 0, (error) =>
          answer(error ?? undefined, undefined),
        ),
      );
    } finally {
      this.close(handle);
    }
  }

  /** The entries of a folder, but for itself and the one above, portion by portion. */
  async *entries(path: string): AsyncGenerator<FileEntry> {
    const handle = await this.ask<Buffer>((answer) => this.sftp.opendir(path, answer));
    try {
      for (;;) {
        const portion = await this.ask<FileEntry[]>((answer) => this.sftp.readdir(handle, answer)).catch(
          (error: unknown) => (codeOf(error) === EOF ? null : Promise.reject(error as Error)),
        );
        if (portion === null) return;
        yield* portion.filter(({ filename }) => filename !== '.' && filename !== '..');
      }
    } finally {
      this.close(handle);
    }
  }

  private async read(handle: Buffer, into: Buffer, at: number): Promise<number> {
    const length = Math.min(32_768, into.length - at);
    return this.ask<number>((answer) => this.sftp.read(handle, into, at, length, at, answer)).catch(
      (error: unknown) => (codeOf(error) === EOF ? 0 : Promise.reject(error as Error)),
    );
  }

  /** What becomes of a close is of no interest: the host closes what is left with the channel. */
  private close(handle: Buffer): void {
    this.ask<undefined>((answer) =>
      this.sftp.close(handle, (error) => answer(error ?? undefined, undefined)),
    ).catch(() => undefined);
  }

  private async ask<T>(
    question: (answer: (error: Error | undefined, value: T) => void) => unknown,
  ): Promise<T> {
    const answered = new Promise<T>((resolve, reject) => {
      question((error, value) => {
        // Without an error ssh2 gives undefined or null.
        const wrong = error as Error | null | undefined;
        if (wrong instanceof Error) reject(this.judged(wrong));
        else resolve(value);
      });
    });
    return untilAborted(answered, this.signal);
  }

  private judged(error: Error): Error {
    const code = codeOf(error);
    const isOfHost = code !== undefined && code !== NO_CONNECTION && code !== CONNECTION_LOST;
    return isOfHost ? error : new TransportError(error.message, this.mayHaveBegun(), { cause: error });
  }
}

export const isMissing = (error: unknown): boolean => codeOf(error) === NO_SUCH_FILE;

/** Whether the host has refused or could not do what it was asked. */
export const isOfHost = (error: unknown): error is Error => codeOf(error) !== undefined;

function codeOf(error: unknown): number | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'number' ? code : undefined;
}
