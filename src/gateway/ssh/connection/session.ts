import { type Client, type ClientChannel, type SFTPWrapper } from 'ssh2';
import { Turns } from '../../../platform/turns.js';

/** Commands at once on one connection. OpenSSH allows ten channels by default; files and the health check need some. */
const MAX_COMMANDS = 6;

/** One connection to the host that is logged in, until it breaks. */
export class SshSession {
  readonly connectedAt = new Date();
  readonly slots = new Turns(MAX_COMMANDS);
  private sftp: Promise<SFTPWrapper> | undefined;
  private broken: string | undefined;

  constructor(private readonly client: Client) {
    // A connection that breaks tells why by the first event, and that it is over by the second.
    client.on('error', (error) => (this.broken ??= error.message));
    client.on('close', () => (this.broken ??= 'the connection was closed'));
  }

  /** Why the connection is over; undefined while it lasts. */
  get failure(): string | undefined {
    return this.broken;
  }

  onClose(listener: () => void): void {
    if (this.broken === undefined) this.client.once('close', listener);
    else listener();
  }

  /** Starts a command without a terminal. Rejects when the host refuses, or the connection breaks. */
  exec(line: string): Promise<ClientChannel> {
    return this.ask((answer) => this.client.exec(line, answer));
  }

  /** The channel for files: one for all, made anew when it is closed. */
  files(): Promise<SFTPWrapper> {
    if (this.sftp !== undefined) return this.sftp;
    const channel = this.ask<SFTPWrapper>((answer) => this.client.sftp(answer)).then((sftp) => {
      sftp.once('close', () => (this.sftp = undefined));
      // The requests that wait are told by their own callbacks.
      sftp.on('error', () => undefined);
      return sftp;
    });
    this.sftp = channel;
    channel.catch(() => (this.sftp = undefined));
    return channel;
  }

  /** Closes the connection; what runs over it ends there. */
  close(): void {
    this.broken ??= 'the connection was closed';
    this.client.end();
    // A host that does not answer would leave it half closed.
    this.client.destroy();
  }

  private ask<T>(question: (answer: (error: Error | undefined, value: T) => void) => void): Promise<T> {
    return new Promise((resolve, reject) => {
      const onClose = () => reject(new Error(this.broken ?? 'the connection was closed'));
      if (this.broken !== undefined) {
        onClose();
        return;
      }
      this.client.once('close', onClose);
      question((error, value) => {
        this.client.off('close', onClose);
        if (error === undefined) resolve(value);
        else reject(error);
      });
    });
  }
}
