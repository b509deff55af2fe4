import { Moves } from '../../../platform/moves.js';
import { type Held } from '../queries/leases.queries.js';

/** The work of this process on one project, for as long as it holds it. */
export class Drive {
  /** Moves when somebody has changed the project, or something may have happened to its tasks. */
  readonly moves = new Moves();
  /** The version of the project that the work goes by. */
  version = 0;
  private readonly ending = new AbortController();
  private interruption = new AbortController();

  constructor(readonly held: Held) {}

  /** Fires when the work has to end: the process closes, or the project is held by another. */
  get signal(): AbortSignal {
    return this.ending.signal;
  }

  /** Fires, besides, when somebody has changed the project since {@link Drive.goBy}. */
  get interrupted(): AbortSignal {
    return this.interruption.signal;
  }

  /** Works by this version of the project from now on. */
  goBy(version: number): void {
    this.version = version;
    if (this.interruption.signal.aborted && !this.ending.signal.aborted)
      this.interruption = new AbortController();
  }

  /** The project has this version now. */
  noteVersion(version: number): void {
    if (version <= this.version) return;
    this.interruption.abort();
    this.moves.note();
  }

  hint(): void {
    this.moves.note();
  }

  end(): void {
    this.ending.abort();
    this.interruption.abort();
  }
}
