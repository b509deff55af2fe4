import { Moves } from '../../../platform/moves.js';

/** What those who follow one output wait at. */
export class Watch {
  /** How often the output has been seen in another state. */
  readonly moves = new Moves();
  private followers = 0;
  private state: string | undefined;

  /** Calls `forget` when the last follower has left. */
  constructor(private readonly forget: () => void) {}

  joined(): this {
    this.followers++;
    return this;
  }

  leave(): void {
    if (--this.followers === 0) this.forget();
  }

  /** Notes how the output looks; wakes everybody when it looks different. */
  saw(state: string): void {
    if (state === this.state) return;
    this.state = state;
    this.moves.note();
  }
}
