import { randomInt } from 'node:crypto';

/** The largest range that `randomInt` takes, one short of all that 12 hex digits can say. */
const IDS = 2 ** 48 - 1;
const PREFIX = 'task-';
const ID = /^task-[0-9a-f]{12}$/;
/** How many ids back an id still belongs to those that are being made. */
const LATELY = 1_000_000;

/**
 * Makes ids for tasks whose callers name none: `task-` and 12 hex digits. It counts up from a random number, so that tasks
 * that were made one after another stand beside each other in the indexes by id, and a write finds its page in memory. It
 * makes no id twice; one of another process with a chance of the number of all tasks in 2^48.
 */
export class TaskIds {
  private last: number;

  constructor(private readonly random: () => number = () => randomInt(IDS)) {
    this.last = random();
  }

  next(): string {
    this.last = (this.last + 1) % IDS;
    return idOf(this.last);
  }

  /** Somebody else has the id. If it is one of those made lately, the next ones may be taken too: goes on elsewhere. */
  isTaken(id: string): void {
    const number = ID.test(id) ? parseInt(id.slice(PREFIX.length), 16) : NaN;
    if (number <= this.last && number > this.last - LATELY) this.last = this.random();
  }
}

const idOf = (number: number) => `${PREFIX}${number.toString(16).padStart(12, '0')}`;

export const taskIds = new TaskIds();
