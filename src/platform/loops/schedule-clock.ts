import { Injectable } from '@nestjs/common';
import { SchedulerRegistry } from '@nestjs/schedule';
import { type Every, type LoopFigures } from './loop.js';

/** The clock of all loops: Nest's scheduler registry, so that every interval of the program can be listed in one place. */
@Injectable()
export class ScheduleClock {
  private readonly driven = new Set<LoopFigures>();

  constructor(private readonly registry: SchedulerRegistry) {}

  /** The loops that have been started and not stopped. */
  get loops(): Iterable<LoopFigures> {
    return this.driven;
  }

  readonly every: Every = (name, intervalMs, tick, loop) => {
    this.registry.addInterval(name, setInterval(tick, intervalMs));
    this.driven.add(loop);
    return () => {
      this.driven.delete(loop);
      // The registry ends all intervals at its own shutdown, which may come before that of the last loops.
      if (this.registry.doesExist('interval', name)) this.registry.deleteInterval(name);
    };
  };
}
