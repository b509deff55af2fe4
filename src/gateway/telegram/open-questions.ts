import { randomBytes } from 'node:crypto';
import { type Question } from './command.js';

const VALID_MS = 30 * 60_000;
/** Beyond so many the oldest is no longer open. */
const MOST_OPEN = 100;

/** The questions that wait for a button. Each is taken once, within 30 minutes. A restart forgets them: nothing was done then. */
export class OpenQuestions {
  private readonly open = new Map<string, { readonly question: Question; readonly endsAt: number }>();

  constructor(private readonly now: () => number = () => performance.now()) {}

  /** Returns what names the question in its buttons. */
  add(question: Question): string {
    const oldest = this.open.keys().next().value;
    if (this.open.size >= MOST_OPEN && oldest !== undefined) this.open.delete(oldest);
    const id = randomBytes(12).toString('hex');
    this.open.set(id, { question, endsAt: this.now() + VALID_MS });
    return id;
  }

  /** The question, which nobody gets a second time; undefined when it is not open. */
  take(id: string): Question | undefined {
    const found = this.open.get(id);
    this.open.delete(id);
    return found !== undefined && this.now() < found.endsAt ? found.question : undefined;
  }
}
