import { Inject, Injectable } from '@nestjs/common';
import { Database } from '../../platform/database/database.js';
import { DatabaseUnavailableError } from '../../platform/database/errors.js';
import { type Logger } from '../../platform/logging/logger.js';
import { ScheduleClock } from '../../platform/loops/schedule-clock.js';
import { ApplicationLoop, LOGGER } from '../runtime/index.js';
import { listDuePayments, postponePayment } from './payments.queries.js';
import { PaymentsService } from './payments.service.js';

const INTERVAL_MS = 3_000;
const BATCH = 20;
const PAUSE_MS = 60_000;

/** Carries on with payments whose request has ended in the middle: no money is kept without its job. */
@Injectable()
export class PaymentsLoop extends ApplicationLoop {
  constructor(
    private readonly database: Database,
    private readonly payments: PaymentsService,
    clock: ScheduleClock,
    @Inject(LOGGER) logger: Logger,
  ) {
    super({ name: 'payments', intervalMs: INTERVAL_MS, logger }, clock.every);
  }

  protected async runOnce(signal: AbortSignal): Promise<void> {
    for (const payment of await listDuePayments(this.database, BATCH)) {
      if (signal.aborted) return;
      try {
        await this.payments.resume(payment);
      } catch (error) {
        if (error instanceof DatabaseUnavailableError) throw error;
        this.logger.error(
          { err: error, payment: payment.hash, keyId: payment.keyId },
          'A payment that went through could not be given its job; it is tried again.',
        );
        await postponePayment(this.database, payment.hash, PAUSE_MS);
      }
    }
  }
}
