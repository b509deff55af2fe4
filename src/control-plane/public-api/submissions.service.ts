import { createHash } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { type FastifyRequest } from 'fastify';
import { type Job as JobView } from '../../contracts/skyclaw.js';
import { type Db } from '../../platform/database/database.js';
import { type JsonObject } from '../../platform/database/row.js';
import { canonicalJson } from '../../platform/json/canonical-json.js';
import { Problem } from '../../platform/problems/problem.js';
import { type ControlPlaneConfig } from '../config.js';
import { IdempotencyService } from '../idempotency/index.js';
import { jobView, JobsService, newJob, type NewJob } from '../jobs/index.js';
import { capabilitySet, type Job } from '../ledger/index.js';
import { CONFIG } from '../runtime/index.js';
import { keyOf } from './access.hook.js';
import { objectionTo } from './domain/admission.js';
import { priceOf } from './domain/price.js';
import { type PublicKey } from './domain/public-key.js';
import { type Resource } from './domain/x402.js';
import { MonthlyQuota } from './monthly-quota.service.js';
import { presentedBy } from './payment-headers.js';
import { PaymentsService } from './payments.service.js';
import { insertPublicJob } from './public-jobs.queries.js';
import { type SubmitPublicJobRequest } from './public-jobs.dto.js';

/** An answer to a submission, as it is kept for repetitions. */
export interface Submitted {
  readonly job: JobView;
  /** What became of the payment, if there was one. */
  readonly settlement?: JsonObject;
}

const PATH = '/v1/public/jobs';

/** Jobs that come in by keys: judged, counted, paid for where they have a price, and handed to the ledger. */
@Injectable()
export class SubmissionsService {
  constructor(
    private readonly jobs: JobsService,
    private readonly quota: MonthlyQuota,
    private readonly payments: PaymentsService,
    private readonly idempotency: IdempotencyService,
    @Inject(CONFIG) private readonly config: ControlPlaneConfig,
  ) {}

  /** Takes a job in, once for an idempotency key or for a payment. Throws what is wrong with it, or what must be paid. */
  submit(request: FastifyRequest, body: SubmitPublicJobRequest): Promise<Submitted> {
    const key = keyOf(request);
    const job = jobOf(body, key);
    const { kind } = job.payload;
    const price =
      key.price ?? priceOf(this.config.publicApi.prices, { kind, capabilities: job.requiredCapabilities });
    if (price === null) {
      return this.idempotency.run(request, async (db) => ({
        job: publicView(await this.take(db, key, job), true),
      }));
    }
    const resource = this.resourceOf(request);
    const presented = presentedBy(request);
    const requestHash = hashOf(request, key, job);
    return this.idempotency.runOutside<JsonObject, Submitted>(
      request,
      () => ({}),
      async (seed) => {
        const order = { key, job, price, resource, presented, requestHash };
        const { job: bought, settlement } = await this.payments.buy(order, seed);
        return { job: publicView(bought, true), settlement };
      },
    );
  }

  private take(db: Db, key: PublicKey, job: NewJob): Promise<Job> {
    return db.transaction(async (tx) => {
      const submitted = await this.jobs.submit(tx, job);
      await insertPublicJob(tx, submitted.id, key.id);
      if (key.isCounted) await this.quota.take(tx, key);
      return submitted;
    });
  }

  private resourceOf(request: FastifyRequest): Resource {
    const base = this.config.publicApi.url ?? `${request.protocol}://${request.host}`;
    return { url: `${base}${PATH}`, description: 'A job', mimeType: 'application/json' };
  }
}

/** What a body asks for by a key; without a requirement, a host that can do all that the key may ask for. */
function jobOf({ payload, requirement }: SubmitPublicJobRequest, key: PublicKey): NewJob {
  const job = newJob({
    ...{ payload, requirement, submittedBy: `public:${key.label}` },
    ...{ projectId: null, priority: 0, dependencies: [], ttlMs: null },
  });
  const named = capabilitySet(job.requiredCapabilities);
  const requiredCapabilities = named.length === 0 ? key.capabilities : named;
  const objection = objectionTo({ payload: job.payload, capabilities: requiredCapabilities }, key);
  if (objection !== null) {
    throw new Problem(objection.kind === 'refused' ? 'bad-request' : 'not-allowed-for-key', objection.why);
  }
  return { ...job, requiredCapabilities };
}

/** The same for a repetition, and for no other request: another idempotency key means another job. */
function hashOf(
  { headers }: FastifyRequest,
  key: PublicKey,
  { payload, requiredCapabilities }: NewJob,
): string {
  const idempotencyKey = String(headers['x-idempotency-key'] ?? '').trim();
  return createHash('sha256')
    .update(canonicalJson([key.id, idempotencyKey, payload, requiredCapabilities]))
    .digest('hex');
}

/** A job as the holder of a key sees it. */
export function publicView(job: Job, showEnv = false): JobView {
  return jobView({ ...job, submittedBy: null }, { showEnv });
}
