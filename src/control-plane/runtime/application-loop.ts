import { type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { Loop } from '../../platform/loops/loop.js';

/** A loop that runs as long as the application. */
export abstract class ApplicationLoop
  extends Loop
  implements OnApplicationBootstrap, BeforeApplicationShutdown
{
  onApplicationBootstrap(): void {
    this.start();
  }

  beforeApplicationShutdown(): Promise<void> {
    return this.stop();
  }
}
