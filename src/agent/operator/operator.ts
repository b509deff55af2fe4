import { type Execution } from '../../actions/index.js';

/** Who is asked about actions that want confirmation and come without. */
export interface Operator {
  confirm(execution: Execution): Promise<boolean>;
  /** Answers every open question with no. */
  denyAll(): void;
}

/** Nobody is there to be asked. */
export class NoOperator implements Operator {
  confirm(): Promise<boolean> {
    return Promise.resolve(false);
  }

  denyAll(): void {
    // No question is ever open.
  }
}
