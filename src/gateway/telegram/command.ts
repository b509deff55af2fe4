/** Something that is done only after the person has agreed. */
export interface Question {
  readonly question: string;
  /** Called once, when the person agrees; what it resolves to is the answer. */
  readonly approve: () => Promise<string>;
  /** Called once, when the person does not. */
  readonly deny?: () => void;
}

/** A command of the bot. Each feature brings its own; they share one name space. */
export interface Command {
  /** Without the slash, in lower case. */
  readonly name: string;
  /** Its arguments and what it does, for `/help`. */
  readonly about: string;
  /** Whether it is heard even while more runs than the bot takes on. */
  readonly isUrgent?: true;
  /** What to answer. An error is answered with its message, so that holds no secret. */
  run(args: string): Promise<string | Question>;
}
