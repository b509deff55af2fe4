import ssh2 from 'ssh2';
import { type HostKeys } from '../host-keys/host-keys.js';
import { type SshTarget } from '../ssh.config.js';
import { credentialsOf } from './credentials.js';
import { SshSession } from './session.js';
import { TransportError } from './transport-error.js';

/** A host that answers nothing for so long, three times in a row, is gone. */
const KEEPALIVE_MS = 5_000;

/** The way to the host: one connection, which is kept, shared by all, and made anew when it has broken. */
export class SshLink {
  private current: Promise<SshSession> | undefined;
  private live: SshSession | undefined;
  private closed = false;

  constructor(
    private readonly target: SshTarget,
    private readonly hostKeys: HostKeys,
  ) {}

  /** The connection, if there is one at this moment. */
  get connected(): SshSession | undefined {
    return this.live;
  }

  /** The connection, made if there is none. Rejects with a {@link TransportError}; the next call tries again. */
  session(): Promise<SshSession> {
    if (this.current !== undefined) return this.current;
    const mine = this.connect().catch((error: unknown) => {
      this.forget(mine);
      throw TransportError.of(error);
    });
    this.current = mine;
    return mine;
  }

  /** Gives the connection up; the next call makes another. */
  drop(session: SshSession): void {
    session.close();
  }

  /** Closes the connection for good. */
  close(): void {
    this.closed = true;
    this.live?.close();
  }

  private async connect(): Promise<SshSession> {
    const { host, port, user, connectTimeoutMs } = this.target;
    const check = await this.hostKeys.check();
    const credentials = await credentialsOf(this.target);
    const client = new ssh2.Client();
    let refused: string | undefined;
    const session = await new Promise<SshSession>((resolve, reject) => {
      const fail = (error: Error) => {
        reject(refused === undefined ? error : new Error(refused));
        client.destroy();
      };
      const closed = () => fail(new Error('the host has closed the connection'));
      // Stays for good: an error that nobody listens to ends the process, and one may follow another.
      client.on('error', fail).once('close', closed);
      client.once('ready', () => resolve(new SshSession(client)));
      client.connect({
        host,
        port,
        username: user,
        ...credentials,
        readyTimeout: connectTimeoutMs,
        keepaliveInterval: KEEPALIVE_MS,
        keepaliveCountMax: 3,
        algorithms: { serverHostKey: [...check.algorithms] as ssh2.ServerHostKeyAlgorithm[] },
        hostVerifier: (key: Buffer, verify: (isValid: boolean) => void) => {
          check.refusalOf(key).then(
            (reason) => {
              refused = reason ?? undefined;
              verify(reason === null);
            },
            () => {
              refused = 'the key of the host cannot be checked without the database';
              verify(false);
            },
          );
        },
      });
    });
    if (this.closed) {
      session.close();
      throw new Error('the gateway is shutting down');
    }
    client.setNoDelay(true);
    this.live = session;
    session.onClose(() => {
      this.live = undefined;
      this.current = undefined;
    });
    return session;
  }

  private forget(which: Promise<SshSession>): void {
    if (this.current === which) this.current = undefined;
  }
}
