import { Injectable } from '@nestjs/common';
import { SchedulerRegistry } from '@nestjs/schedule';
import { type Every } from './loop.js';

/** The clock of all loops: Nest's scheduler registry, so that every interval of the program can be listed in one place. */
@Injectable()
export class ScheduleClock {
  constructor(private readonly registry: SchedulerRegistry) {}

  readonly every: Every = (name, intervalMs, tick) => {
    this.registry.addInterval(name, setInterval(tick, intervalMs));
    return () => {
      // The registry ends all intervals at its own shutdown, which may come before that of the last loops.
      if (this.registry.doesExist('interval', name)) this.registry.deleteInterval(name);
    };
  };
}
