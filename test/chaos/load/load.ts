import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { type Submitted } from '../checker/history.js';
import { type Random } from '../random.js';
import { type World } from '../world/world.js';
import { insist } from './client.js';

/** So many tasks are open at once: enough that they get into each other's way, and few enough to end soon after. */
const MOST_OPEN = 50;
const LANES = 4;
/** How long a task is handed in again and again before the load gives it up. */
const LIMIT_MS = 40_000;
/** The project of tasks that are about the request and not about the work: nobody takes them, and nobody waits for them. */
export const CALLS = 'calls';

const PROJECTS = ['p', 'q'];
const PATHS = ['src/a', 'src/b', 'src/', 'lib/x', 'lib/y', 'docs/', 'docs/z', 'test/t'];
const KEYS = [
  { key: 'deploy', limit: 1 },
  { key: 'api', limit: 2 },
];
const SLOW = 0.06;

/** Such a task. */
export const callTask = (name: string): object => ({
  ...{ task_id: `call-${name}`, project_id: CALLS, action: 'work', delivery: 'pull' },
  required_capabilities: ['nobody-has-it'],
});

/** Hands in tasks of all kinds, which wait for each other in all ways, and remembers what was accepted. */
export class Load {
  private readonly tasks: Submitted[] = [];
  /** By what jobs call themselves in their traces: the control plane gives them their ids. */
  private readonly jobs = new Map<string, string>();
  private running: Promise<unknown> | undefined;
  private ending = false;
  private made = 0;
  /** Refusals, of which there should be none. */
  readonly refusals: string[] = [];

  constructor(
    private readonly world: World,
    private readonly random: Random,
    private readonly name: string,
  ) {}

  get submitted(): readonly Submitted[] {
    return this.tasks;
  }

  /** The task of a trace. */
  taskOf(traced: string): string {
    return this.jobs.get(traced) ?? traced;
  }

  start(): void {
    this.ending = false;
    this.running = Promise.all(Array.from({ length: LANES }, () => this.lane(this.random.fork())));
  }

  /** Hands nothing in any more, and returns when all that was under way is answered or given up. */
  async stop(): Promise<void> {
    this.ending = true;
    await this.running;
  }

  /** So many tasks for gateways that last long, as soon as they are taken. */
  async submitLong(many: number, seconds: number): Promise<void> {
    for (let nth = 0; nth < many; nth++) {
      const id = `${this.name}-long-${this.made++}`;
      const prompt = `${id} ${this.world.traces} ${seconds}\n`;
      const working_dir = join(this.world.work, `long${nth}`);
      mkdirSync(working_dir, { recursive: true });
      const body = {
        ...{ task_id: id, delivery: 'push', action: 'run_coding_agent', lease_seconds: 3, priority: 100 },
        params: { agent: 'codex', prompt, working_dir },
      };
      const isAccepted = (await this.handIn('/v1/tasks/enqueue', body, id, this.random)) !== null;
      const nothing = { parents: [], writes: [], reads: [], concurrency: null };
      this.tasks.push({ id, kind: 'push', isAccepted, ...nothing });
    }
  }

  private async lane(random: Random): Promise<void> {
    while (!this.ending) {
      if ((await this.open()) >= MOST_OPEN) {
        await wait(100);
        continue;
      }
      for (let many = 0; many < 4; many++) {
        await this.submit(random);
        if (this.isEnding()) return;
      }
      await wait(random.whole(0, 60));
    }
  }

  private isEnding(): boolean {
    return this.ending;
  }

  private async open(): Promise<number> {
    try {
      const [row] = await this.world.read<{ open: string }>(
        `select count(*) as open from tasks where completed_at is null and project_id <> '${CALLS}'`,
      );
      return Number(row?.open ?? 0);
    } catch {
      return 0; // The database is away, and what is handed in meanwhile is what it is about.
    }
  }

  private async submit(random: Random): Promise<void> {
    const kind = random.oneOf(['push', 'push', 'push', 'pull', 'pull', 'pull', 'pull', 'job'] as const);
    const id = `${this.name}-${this.made++}`;
    const recent = this.tasks.filter((task) => task.isAccepted && task.kind !== 'job').slice(-25);
    const parents = [
      ...new Set(
        recent.length === 0 || random.chance(0.7)
          ? []
          : Array.from({ length: random.whole(1, 2) }, () => random.oneOf(recent).id),
      ),
    ];
    const seconds = random.chance(SLOW) ? 2.5 : random.whole(0, 25) / 100;
    if (kind === 'job') await this.submitJob(id, seconds, random);
    else await this.submitTask(id, kind, parents, seconds, random);
  }

  private async submitTask(
    id: string,
    kind: 'push' | 'pull',
    parents: readonly string[],
    seconds: number,
    random: Random,
  ): Promise<void> {
    const project = random.oneOf(PROJECTS);
    const files = random.chance(0.55)
      ? [...new Set(Array.from({ length: random.whole(1, 2) }, () => random.oneOf(PATHS)))]
      : [];
    const writes = files.filter(() => random.chance(0.75));
    const reads = files.filter((path) => !writes.includes(path));
    const concurrency = random.chance(0.15) ? random.oneOf(KEYS) : null;
    const prompt = `${id} ${this.world.traces} ${seconds}\n`;
    const folder = join(this.world.work, String(random.whole(0, 11)));
    const body = {
      task_id: id,
      project_id: project,
      delivery: kind,
      action: kind === 'push' ? 'run_coding_agent' : 'work',
      params: kind === 'push' ? { agent: 'codex', prompt, working_dir: folder } : {},
      dependencies: parents,
      required_files: writes,
      read_files: reads,
      priority: random.whole(0, 2),
      lease_seconds: random.whole(2, 3),
      ...(concurrency === null
        ? {}
        : { concurrency_key: concurrency.key, concurrency_limit: concurrency.limit }),
      ...(random.chance(0.08)
        ? { run_at: new Date(Date.now() + random.whole(200, 1_200)).toISOString() }
        : {}),
    };
    const isAccepted = (await this.handIn('/v1/tasks/enqueue', body, id, random)) !== null;
    // Paths and keys of two projects have nothing to do with each other.
    const own = (name: string) => `${project}:${name}`;
    this.tasks.push({
      ...{ id, kind, isAccepted, parents },
      ...{ writes: writes.map(own), reads: reads.map(own) },
      concurrency: concurrency === null ? null : { ...concurrency, key: own(concurrency.key) },
    });
  }

  private async submitJob(name: string, seconds: number, random: Random): Promise<void> {
    const script = join(import.meta.dirname, 'job.sh');
    const args = [script, name, this.world.traces, String(seconds)];
    const body = {
      payload: { kind: 'shell', command: 'sh', args },
      requirement: { requiredCapabilities: ['shell'] },
    };
    const answer = await this.handIn('/v1/jobs', body, name, random);
    // The id of one that was never answered is not known, so nothing can be said of it.
    if (answer === null) return;
    const id = String(answer.body.job.id);
    this.jobs.set(name, id);
    const nothing = { parents: [], writes: [], reads: [], concurrency: null };
    this.tasks.push({ id, kind: 'job', isAccepted: true, ...nothing });
  }

  private async handIn(path: string, body: object, key: string, random: Random) {
    const first = random.whole(0, this.world.urls.length - 1);
    const answer = await insist(this.world.urls, path, body, { key, first, limitMs: LIMIT_MS });
    if (answer === null || answer.status === 200) return answer;
    this.refusals.push(`${key}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return null;
  }
}
