import { afterAll, afterEach, beforeAll, beforeEach } from '@jest/globals';
import { startTestControlPlane, type TestControlPlane } from '../support/control-plane.js';
import { Facilitator, PRICE } from './facilitator.js';
import { countJobs, makeKey } from './fixture.js';

const TIMEOUT_MS = 400;

/** Body of an OpenClaw job. */
export const run = (...args: string[]): object => ({ payload: { kind: 'openclaw-run', args } });

/** Two replicas on one database with a facilitator, and for each test a key whose jobs have a price. */
export class PaidApi {
  facilitator!: Facilitator;
  api!: TestControlPlane;
  other!: TestControlPlane;
  secret = '';
  keyId = '';
  private before = 0;

  /** One for the tests of a file. */
  static forTests(): PaidApi {
    const paid = new PaidApi();
    beforeAll(() => paid.start());
    afterAll(() => paid.stop());
    beforeEach(() => paid.newKey());
    afterEach(() => {
      paid.facilitator.script.verify.length = 0;
      paid.facilitator.script.settle.length = 0;
      paid.facilitator.remembers = true;
    });
    return paid;
  }

  /** Counts new jobs from here. */
  async countFromHere(): Promise<void> {
    this.before = await countJobs(this.api);
  }

  async newJobs(): Promise<number> {
    return (await countJobs(this.api)) - this.before;
  }

  /** The payments of the key, oldest first. */
  payments(): Promise<{ state: string; job_id: string | null; attempts: number }[]> {
    return this.api.query(
      'select state, job_id, attempts from public_payments where key_id = $1 order by created_at',
      [this.keyId],
    );
  }

  /** Jobs of the key that this month's count holds a place for. */
  async usedPlaces(): Promise<number> {
    const [row] = await this.api.query('select jobs from public_months where key_id = $1', [this.keyId]);
    return Number(row?.['jobs'] ?? 0);
  }

  /** Lets whoever waits for a lease or a pause go on. */
  async hurry(): Promise<void> {
    await this.api.query('update public_payments set due_at = now() where key_id = $1', [this.keyId]);
  }

  private async start(): Promise<void> {
    this.facilitator = await Facilitator.start();
    const env = {
      SKYCLAW_PUBLIC_API_KEYS: 'env:e:openclaw|gpu',
      SKYCLAW_PUBLIC_RATE_LIMIT_PER_MIN: '0',
      SKYCLAW_X402_FACILITATOR_URL: `${this.facilitator.url}/`,
      SKYCLAW_X402_FACILITATOR_TOKEN: 'facilitators-own',
      SKYCLAW_X402_TIMEOUT_MS: String(TIMEOUT_MS),
      SKYCLAW_PUBLIC_URL: 'https://api.example',
      SKYCLAW_X402_PRICES: JSON.stringify([
        { capability: 'gpu', price: { ...PRICE, amount: '50000', description: 'A job with a GPU' } },
      ]),
    };
    this.api = await startTestControlPlane({ env });
    this.other = await startTestControlPlane({ env, databaseUrl: this.api.databaseUrl });
  }

  private async stop(): Promise<void> {
    await this.other.close();
    await this.api.close();
    await this.facilitator.close();
  }

  private async newKey(): Promise<void> {
    const { key, secret } = await makeKey(this.api, { price: PRICE });
    this.secret = secret;
    this.keyId = (key as { id: string }).id;
    await this.countFromHere();
  }
}
