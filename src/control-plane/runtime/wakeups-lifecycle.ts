import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Wakeups } from '../../platform/database/wakeups.js';

/** Listens while the application lives, and lets go before the pool is closed. */
@Injectable()
export class WakeupsLifecycle implements OnApplicationBootstrap, OnApplicationShutdown {
  constructor(private readonly wakeups: Wakeups) {}

  onApplicationBootstrap(): void {
    this.wakeups.start();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.wakeups.stop();
  }
}
