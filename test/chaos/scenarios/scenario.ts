import { type Outcome } from '../report.js';

/** What every scenario is given. */
export interface Stage {
  readonly root: string;
  readonly seed: number;
  readonly points: number;
  readonly pgbouncer: string | null;
  readonly progress: (line: string) => void;
}

export type Result = Pick<Outcome, 'numbers' | 'faults' | 'evidence' | 'leftOut'>;

export interface Scenario {
  readonly about: string;
  run(stage: Stage): Promise<Result>;
}
