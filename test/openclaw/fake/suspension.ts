import { randomUUID } from 'node:crypto';
import { type Fields, Refusal } from './protocol.js';

/** What may be asked of a gateway that takes nothing new. */
const CONTROL = /^(connect|gateway\.suspend\.)/;

/** The wish that a gateway takes nothing new, held for as long as it is renewed; it dies with the process. */
export class Suspension {
  /** How long it lasts after it was asked for last. */
  leaseMs = 120_000;
  private held: { readonly requestId: string; readonly suspensionId: string; until: number } | null = null;

  constructor(private readonly countActive: () => number) {}

  get isHeld(): boolean {
    return this.held !== null && this.held.until > Date.now();
  }

  /** Throws for what is not answered now. */
  admit(method: string): void {
    if (!this.isHeld || CONTROL.test(method)) return;
    if (method === 'exec.approval.resolve' && this.countActive() > 0) return;
    throw new Refusal('UNAVAILABLE', `${method} unavailable during gateway suspension`, {
      ...{ retryable: true, retryAfterMs: 1_000 },
      details: { method, reason: 'gateway-suspending' },
    });
  }

  prepare({ requestId, drain }: Fields): Fields {
    const active = this.countActive();
    const held = this.isHeld ? this.held : null;
    if (held !== null && held.requestId !== requestId) {
      throw new Refusal('UNAVAILABLE', 'another gateway suspension is already prepared', { retryable: true });
    }
    if (held === null && active > 0 && drain !== true) return { status: 'busy', activeCount: active };
    const suspensionId = held?.suspensionId ?? randomUUID();
    const until = Date.now() + this.leaseMs;
    this.held = { requestId: String(requestId), suspensionId, until };
    return {
      ...{ status: active > 0 ? 'draining' : 'ready', suspensionId, expiresAtMs: until },
      activeCount: active,
    };
  }

  resume({ suspensionId }: Fields): Fields {
    if (!this.isHeld || this.held?.suspensionId !== suspensionId) {
      throw new Refusal('INVALID_REQUEST', 'gateway suspension id does not match');
    }
    this.held = null;
    return { ok: true };
  }

  forget(): void {
    this.held = null;
  }
}
