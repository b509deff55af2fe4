import { Loop, type Every } from '../../platform/loops/loop.js';
import { type Execution, type ExecutionParts } from './execution.js';

/** How often executions are looked at; the database is asked only when a third of a lease has gone by. */
const LOOK_MS = 300;

/** Renews the leases of what a dispatcher is executing, all that are due in one statement, and drops what was lost. */
export class LeaseKeeper extends Loop {
  constructor(
    private readonly executions: ReadonlyMap<Execution, Promise<void>>,
    private readonly parts: ExecutionParts,
    every: Every,
  ) {
    super({ name: 'lease-keeper', intervalMs: LOOK_MS, logger: parts.logger }, every);
  }

  protected async runOnce(): Promise<void> {
    const now = performance.now();
    const due = [...this.executions.keys()].filter(
      (execution) => now - execution.renewedAtMs > (execution.leaseSeconds * 1_000) / 3,
    );
    if (due.length === 0) return;
    try {
      const proofs = due.map((execution) => execution.proof);
      const renewed = await this.parts.claims.renew(this.parts.database, proofs);
      for (const execution of due) {
        if (renewed.has(execution.proof.taskId)) execution.renewedAtMs = now;
        else execution.abandon();
      }
    } catch (error) {
      // While the database is away a lease is trusted for as long as it could last, and not longer.
      for (const execution of due) if (execution.leaseIsOver()) execution.abandon();
      throw error;
    }
  }
}
