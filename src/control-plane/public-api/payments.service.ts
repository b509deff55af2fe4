import { setTimeout as wait } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import { Database } from '../../platform/database/database.js';
import { errorCode } from '../../platform/database/errors.js';
import { type JsonObject } from '../../platform/database/row.js';
import { canonicalJson } from '../../platform/json/canonical-json.js';
import { type Logger } from '../../platform/logging/logger.js';
import { Problem } from '../../platform/problems/problem.js';
import { secretHash } from '../auth/index.js';
import { type ControlPlaneConfig } from '../config.js';
import { type Seed } from '../idempotency/index.js';
import { jobNotFound, JobsService, type NewJob } from '../jobs/index.js';
import { HostJobs, type Job } from '../ledger/index.js';
import { CONFIG, LOGGER } from '../runtime/index.js';
import { type Price } from './domain/price.js';
import { type PublicKey } from './domain/public-key.js';
import { judged, pauseMs } from './domain/settling.js';
import { identityOf, type Presented, requirementFor, type Resource } from './domain/x402.js';
import { FacilitatorClient, type PaymentCall } from './facilitator-client.js';
import { paymentRequired } from './payment-headers.js';
import {
  beginSettling,
  findPayment,
  insertPayment,
  lockPayment,
  markPaymentFailed,
  markPaymentOpen,
  markSettled,
  type Payment,
  setPaymentJob,
  setPaymentMonth,
} from './payments.queries.js';
import { insertPublicJob } from './public-jobs.queries.js';
import { giveBackMonthlyPlace } from './usage.queries.js';
import { MonthlyQuota } from './monthly-quota.service.js';

/** A job that is to be paid for. */
export interface Order {
  readonly key: PublicKey;
  readonly job: NewJob;
  readonly price: Price;
  readonly resource: Resource;
  readonly presented: Presented | null;
  /** The same for a repetition of the request, and for nothing else. */
  readonly requestHash: string;
}

export interface Paid {
  readonly job: Job;
  readonly settlement: JsonObject;
}

/** A verified payment that nobody has taken up for so long comes to nothing. */
const KEPT_MS = 10 * 60_000;
/** What an attempt may last beyond the facilitator's answer. */
const MARGIN_MS = 5_000;
/** How many of the facilitator's time limits a request waits for the end of its payment. */
const PATIENCE = 3;
const POLL_MS = 50;
const UNIQUE_VIOLATION = '23505';

/**
 * Payments by x402, each for one job. The order is: verify, record, settle, job.
 *
 * - *Verify* takes nothing, so before it nothing is kept.
 * - *Record* commits the payment under the hash of what makes it this payment, with the request that it is for and a place
 *   of the key's month. From here on the same payment with another request is refused, and the same request finds it.
 * - *Settle* is begun by committing the state `settling` with a lease, so that one attempt is under way at a time. An
 *   attempt whose end is not recorded may have gone through: the same payment is settled again until the facilitator says
 *   what became of it, by whoever repeats the request and by {@link PaymentsLoop}. The payer's authorization is good for
 *   one transfer, so that asking twice cannot take twice.
 * - *Job*: one transaction locks the payment, hands in the job, and writes down which one it is. A payment that has its
 *   job gives no other.
 */
@Injectable()
export class PaymentsService {
  constructor(
    private readonly database: Database,
    private readonly facilitator: FacilitatorClient,
    private readonly jobs: JobsService,
    private readonly hostJobs: HostJobs,
    private readonly quota: MonthlyQuota,
    @Inject(CONFIG) private readonly config: ControlPlaneConfig,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /**
   * The job of an order, paid for. `seed` remembers by which payment: a repetition goes on with that one, whatever payment
   * it brings, as long as it has not failed. Throws what must be paid, why a payment was refused, or that its outcome is
   * not known yet.
   */
  async buy(order: Order, seed: Seed<JsonObject>): Promise<Paid> {
    const { presented } = order;
    const brought = presented === null ? null : hashOf(presented);
    let known = seed.value;
    for (let turn = 0; ; turn++) {
      const name = `payment${turn}`;
      if (known[name] === undefined) {
        const mine = await this.accept(order);
        known = await seed.add({ [name]: mine });
        // A repetition that came with another payment was faster.
        if (known[name] !== mine) await this.drop(mine, 'another payment for the same request came first');
      }
      const hash = String(known[name]);
      const payment = await this.carry(hash);
      if (payment.state === 'settled') return this.deliver(payment);
      if (brought === null || brought === hash) throw this.refused(order, payment);
    }
  }

  /** Carries a payment on that nobody waits for any more: settles it, delivers, or lets it come to nothing. */
  async resume(payment: Payment): Promise<void> {
    if (payment.state === 'verified') {
      await this.drop(payment.hash, 'it was not settled in time; send a new one');
      return;
    }
    if (payment.state === 'settling') await this.attempt(payment.hash);
    const { state, jobId } = (await findPayment(this.database, payment.hash)) ?? payment;
    if (state === 'settled' && jobId === null) await this.deliver(payment);
  }

  /** Verifies and records the payment of a request; its hash. One that is there already is not verified again. */
  private async accept(order: Order): Promise<string> {
    const { key, job, price, resource, presented, requestHash } = order;
    if (presented === null) throw paymentRequired(price, resource, 'payment is required');
    const hash = hashOf(presented);
    if ((await findPayment(this.database, hash)) === null) {
      const requirement = requirementFor(presented, price, resource);
      if (requirement === null) {
        throw paymentRequired(price, resource, 'the payment is for none of what is accepted');
      }
      const { version, payload } = presented;
      const payment = {
        ...{ hash, keyId: key.id, requestHash, x402Version: version, payload },
        requirement: { ...requirement },
        wanted: { ...job },
        network: requirement.network,
      };
      const verdict = await this.facilitator.verify(callOf(payment));
      // What a repetition of this request has settled meanwhile is refused as used: its record says so.
      if (!verdict.isValid && (await findPayment(this.database, hash)) === null) {
        throw paymentRequired(price, resource, `the payment was refused: ${verdict.reason}`);
      }
      await this.database.transaction(async (tx) => {
        if (!(await insertPayment(tx, payment, KEPT_MS)) || !key.isCounted) return;
        await setPaymentMonth(tx, hash, await this.quota.take(tx, key));
      });
    }
    const recorded = await findPayment(this.database, hash);
    if (recorded?.requestHash !== requestHash || recorded.keyId !== key.id) {
      throw paymentRequired(price, resource, 'the payment was used for another request');
    }
    return hash;
  }

  /** Settles a payment, or waits for whoever does: it is settled or failed then. Throws while its outcome is not known. */
  private async carry(hash: string): Promise<Payment> {
    const endsAt = performance.now() + PATIENCE * this.config.publicApi.facilitatorTimeoutMs;
    for (;;) {
      const payment = await findPayment(this.database, hash);
      if (payment === null) throw new Error('A recorded payment is gone.');
      if (payment.state === 'settled' || payment.state === 'failed') return payment;
      if (performance.now() > endsAt) throw unsettled(payment);
      const outcome = await this.attempt(hash);
      if (outcome === 'nothing-taken') {
        throw new Problem('facilitator-unreachable', 'the payment facilitator cannot be reached', {
          retryAfterSeconds: 5,
        });
      }
      if (outcome === 'ended') continue;
      const left = endsAt - performance.now();
      // Beyond what anybody would wait for.
      if (outcome === 'open' && pauseMs(payment.attempts + 1) > left) throw unsettled(payment);
      await wait(POLL_MS);
    }
  }

  /** One attempt to settle, unless somebody else is at it: `busy`. `open`: it has decided nothing. */
  private async attempt(hash: string): Promise<'busy' | 'ended' | 'open' | 'nothing-taken'> {
    const leaseMs = this.config.publicApi.facilitatorTimeoutMs + MARGIN_MS;
    const payment = await beginSettling(this.database, hash, leaseMs);
    if (payment === null) return 'busy';
    const { isUncertain, attempts } = payment;
    const outcome = judged(await this.facilitator.settle(callOf(payment)), isUncertain);
    switch (outcome.kind) {
      case 'settled':
        await this.settled(payment, outcome);
        return 'ended';
      case 'refused':
        await this.fail(hash, outcome.reason, { state: 'settling', attempts });
        return 'ended';
      case 'not-sent':
      case 'unknown': {
        const mayHaveGone = outcome.kind === 'unknown' || isUncertain;
        const pause = mayHaveGone ? pauseMs(attempts) : KEPT_MS;
        const open = { reason: outcome.reason, isUncertain: mayHaveGone, pauseMs: pause };
        await markPaymentOpen(this.database, payment, open);
        if (!mayHaveGone) return 'nothing-taken';
        this.logger.warn(
          { payment: hash, keyId: payment.keyId, attempts, reason: outcome.reason },
          'It is not known whether a payment went through; it is settled again with the same payload.',
        );
        return 'open';
      }
    }
  }

  private async settled(
    { hash, attempts }: Payment,
    outcome: { readonly settlement: JsonObject; readonly transaction: string },
  ): Promise<void> {
    try {
      await markSettled(this.database, hash, outcome, MARGIN_MS);
    } catch (error) {
      if (errorCode(error) !== UNIQUE_VIOLATION) throw error;
      // Another spelling of a payment that has bought its job.
      await this.fail(hash, 'the transaction has paid for another job', { state: 'settling', attempts });
    }
  }

  /** Hands in what a settled payment buys, once; the job as it stands. */
  private async deliver({ hash }: Payment): Promise<Paid> {
    const { jobId, settlement } = await this.database.transaction(async (tx) => {
      const payment = await lockPayment(tx, hash);
      if (payment.state !== 'settled') throw new Error('A payment that was settled is not.');
      if (payment.jobId !== null) return { jobId: payment.jobId, settlement: payment.settlement };
      const job = await this.jobs.submit(tx, payment.wanted as unknown as NewJob);
      await insertPublicJob(tx, job.id, payment.keyId);
      await setPaymentJob(tx, hash, job.id);
      return { jobId: job.id, settlement: payment.settlement };
    });
    const job = await this.hostJobs.find(jobId, this.database);
    if (job === null) throw jobNotFound();
    return { job, settlement: settlement ?? {} };
  }

  private drop(hash: string, reason: string): Promise<void> {
    return this.fail(hash, reason, { state: 'verified' });
  }

  private fail(hash: string, reason: string, from: Parameters<typeof markPaymentFailed>[3]): Promise<void> {
    return this.database.transaction(async (tx) => {
      const failed = await markPaymentFailed(tx, hash, reason, from);
      if (failed !== null && failed.month !== null) {
        await giveBackMonthlyPlace(tx, failed.keyId, failed.month);
      }
    });
  }

  private refused({ price, resource }: Order, { reason, network }: Payment): Problem {
    const refusal = { success: false, errorReason: reason, transaction: '', network };
    return paymentRequired(price, resource, `the payment was refused: ${reason}`, refusal);
  }
}

function hashOf(presented: Presented): string {
  return secretHash(canonicalJson(identityOf(presented)));
}

function callOf(payment: Pick<Payment, 'x402Version' | 'payload' | 'requirement'>): PaymentCall {
  const { x402Version, payload, requirement } = payment;
  return { x402Version, paymentPayload: payload, paymentRequirements: requirement };
}

function unsettled({ dueInMs }: Payment): Problem {
  const retryAfterSeconds = Math.max(1, Math.ceil(dueInMs / 1_000));
  return new Problem(
    'payment-unsettled',
    'it is not known yet whether the payment went through; repeat this request with the same payment',
    { retryAfterSeconds },
  );
}
