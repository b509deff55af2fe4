import { Injectable } from '@nestjs/common';
import { type Tx } from '../../platform/database/database.js';
import { Problem } from '../../platform/problems/problem.js';
import { type PublicKey } from './domain/public-key.js';
import { secondsOfMonthLeft, takeMonthlyPlace } from './usage.queries.js';

/** How many jobs keys may hand in in a month. */
@Injectable()
export class MonthlyQuota {
  /**
   * Counts a job of a key, in the transaction that brings it; the month. Throws when the month is used up. Others of the
   * key wait until the transaction ends, so this comes last in it.
   */
  async take(tx: Tx, { id, monthlyJobs }: PublicKey): Promise<string> {
    const month = await takeMonthlyPlace(tx, id, monthlyJobs);
    if (month !== null) return month;
    throw new Problem('quota-used-up', 'monthly job quota of this api key is used up', {
      retryAfterSeconds: await secondsOfMonthLeft(tx),
    });
  }
}
