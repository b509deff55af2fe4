import logUpdate from 'log-update';
import { say } from '../program.js';
import { type Ownership, type TaskState } from './client.js';

/** One look at the tasks. */
export interface Snapshot {
  readonly tasks: readonly TaskState[];
  readonly ownership: readonly Ownership[];
  /** The prefix that makes the ids of this run unique; not shown. */
  readonly prefix: string;
}

export interface View {
  show(snapshot: Snapshot): void;
  end(): void;
}

const MARKS: Readonly<Record<string, string>> = {
  queued: '·',
  released: '·',
  claimed: '▸',
  running: '▶',
  succeeded: '✔',
  failed: '✘',
  failed_timeout: '✘',
};
const COLOURS: Readonly<Record<string, number>> = {
  running: 36,
  claimed: 36,
  succeeded: 32,
  failed: 31,
  failed_timeout: 31,
};

/** What a task is at, in a few words: where it runs, what it waits for, how it ended. */
export function situationOf(task: TaskState, { tasks, ownership, prefix }: Snapshot): string {
  const name = (id: string) => id.slice(prefix.length);
  switch (task.status) {
    case 'claimed':
    case 'running':
      return `on gateway ${task.dispatch_gateway_id ?? '…'}`;
    case 'succeeded':
      return '';
    case 'failed':
    case 'failed_timeout':
      return task.error.replaceAll(prefix, '');
    default: {
      const open = task.dependencies.filter(
        (id) => tasks.find((other) => other.id === id)?.status !== 'succeeded',
      );
      if (open.length > 0) return `waits for ${open.map(name).join(', ')}`;
      const held = ownership.find((owned) => task.required_files.includes(owned.file_path));
      if (held !== undefined) return `waits for ${held.file_path}, owned by ${name(held.owning_task)}`;
      return task.next_attempt_at === null ? 'ready' : `rests until ${task.next_attempt_at}`;
    }
  }
}

/** A table that is drawn anew in place. */
export class LiveView implements View {
  show(snapshot: Snapshot): void {
    const width = Math.max(...snapshot.tasks.map((task) => task.id.length - snapshot.prefix.length));
    // A terminal that does not know its width says 0.
    const columns = process.stdout.columns || 100;
    const lines = snapshot.tasks.map((task) => {
      const text = [
        MARKS[task.status] ?? '?',
        task.id.slice(snapshot.prefix.length).padEnd(width),
        task.status.padEnd(9),
        task.action.padEnd(11),
        situationOf(task, snapshot),
      ].join('  ');
      const colour = COLOURS[task.status];
      const cut = text.slice(0, Math.max(20, columns - 1));
      return colour === undefined ? cut : `\u001b[${colour}m${cut}\u001b[0m`;
    });
    logUpdate(`\n${lines.join('\n')}\n`);
  }

  end(): void {
    logUpdate.done();
  }
}

/** A line for each change, for logs and pipes. */
export class PlainView implements View {
  private readonly seen = new Map<string, string>();

  show(snapshot: Snapshot): void {
    for (const task of snapshot.tasks) {
      const situation = situationOf(task, snapshot);
      const line = `${task.id.slice(snapshot.prefix.length)}: ${task.status}${situation === '' ? '' : `, ${situation}`}`;
      if (this.seen.get(task.id) === line) continue;
      this.seen.set(task.id, line);
      say(line);
    }
  }

  end(): void {
    // Every change has been told.
  }
}
