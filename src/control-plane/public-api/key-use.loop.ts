import { Inject, Injectable } from '@nestjs/common';
import { Database } from '../../platform/database/database.js';
import { type Logger } from '../../platform/logging/logger.js';
import { ScheduleClock } from '../../platform/loops/schedule-clock.js';
import { LastUseLoop, LOGGER } from '../runtime/index.js';
import { touchKeys } from './keys.queries.js';

/** When keys of the public API were last used. */
@Injectable()
export class KeyUseLoop extends LastUseLoop {
  constructor(
    private readonly database: Database,
    clock: ScheduleClock,
    @Inject(LOGGER) logger: Logger,
  ) {
    super('public key use', clock, logger);
  }

  protected store(ids: readonly string[]): Promise<void> {
    return touchKeys(this.database, ids);
  }
}
