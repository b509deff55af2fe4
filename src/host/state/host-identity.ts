import { randomBytes, randomUUID } from 'node:crypto';
import { record } from '../domain/record.js';
import { type StateDir } from '../../platform/state-dir/state-dir.js';

const ID = 'host-id.json';
const TOKEN = 'host-token.json';
const REGISTRATION = 'registration.json';

/** Who this host is to the coordinator: an id that outlives the process, and the credential that goes with it. */
export class HostIdentity {
  private constructor(
    private readonly state: StateDir,
    private current: { readonly id: string; readonly token: string | undefined },
    private key: string | undefined,
  ) {}

  /** The identity that is configured or kept, or a new one, which is kept before anyone hears of it. */
  static load(state: StateDir, configuredId: string | undefined): HostIdentity {
    const kept = record(state.read(ID))['hostId'];
    const id = configuredId ?? (typeof kept === 'string' ? kept : `host_${randomUUID()}`);
    if (configuredId === undefined && kept !== id) state.write({ hostId: id }, ID);
    const { hostId, token } = record(state.read(TOKEN));
    const { key } = record(state.read(REGISTRATION));
    return new HostIdentity(
      state,
      { id, token: hostId === id && typeof token === 'string' ? token : undefined },
      typeof key === 'string' ? key : undefined,
    );
  }

  get id(): string {
    return this.current.id;
  }

  get token(): string | undefined {
    return this.current.token;
  }

  /**
   * The idempotency key of the registration that is to come. It is kept until an answer has come, beyond the end of this
   * process: should the answer be lost, with a first credential in it, the key alone proves who asks again.
   */
  get registrationKey(): string {
    if (this.key === undefined) {
      this.key = randomBytes(32).toString('base64url');
      this.state.write({ key: this.key }, REGISTRATION);
    }
    return this.key;
  }

  /** The key has served, or is taken for something else: the next registration gets another one. */
  forgetRegistrationKey(): void {
    this.key = undefined;
    this.state.remove(REGISTRATION);
  }

  /** Where the token is kept. */
  get file(): string {
    return this.state.file(TOKEN);
  }

  /** Takes over what the coordinator says this host is. A token is told only once, so it is kept until there is a new one. */
  accept(id: string, token: string | undefined): void {
    if (id !== this.id) this.state.write({ hostId: id }, ID);
    if (token !== undefined) this.state.write({ hostId: id, token }, TOKEN);
    this.current = { id, token: token ?? (id === this.id ? this.token : undefined) };
    this.forgetRegistrationKey();
  }
}
