import { setTimeout as wait } from 'node:timers/promises';
import { type Random } from '../random.js';
import { type Part } from '../world/part.js';
import { type Trouble } from '../world/proxy.js';
import { type World } from '../world/world.js';

/** Something that goes wrong for a while. */
interface Fault {
  /** Of two faults of one target only one is under way at a time. */
  readonly target: string;
  readonly what: string;
  readonly begin: () => void | Promise<void>;
  readonly end: () => void | Promise<void>;
}

/** Faults that are under way at once at most: of a world in which nothing works at all there is little to learn. */
const MOST_AT_ONCE = 3;
const KEEPER_MS = 400;

/**
 * Kills, stops and cuts whatever there is, at moments that a seed decides. What it has killed comes back under its old
 * name and address, as a supervisor would do it.
 */
export class Nemesis {
  private readonly underWay = new Map<string, Promise<void>>();
  private readonly down = new Set<string>();
  private keeper: NodeJS.Timeout | undefined;
  /** What was done, in order. */
  readonly diary: string[] = [];

  constructor(
    private readonly world: World,
    private readonly random: Random,
  ) {}

  start(): void {
    this.keeper = setInterval(() => {
      for (const part of this.world.parts) if (!this.down.has(part.name)) part.run();
    }, KEEPER_MS);
  }

  /** One more fault, after a pause; returns when it has begun. */
  async point(): Promise<void> {
    await wait(this.random.whole(100, 1_100));
    const fault = this.choose();
    const lastsMs = this.random.whole(100, this.random.chance(0.25) ? 5_500 : 1_800);
    while (this.underWay.size >= MOST_AT_ONCE || this.underWay.has(fault.target)) {
      await Promise.race(this.underWay.values());
    }
    this.diary.push(`${fault.what} for ${lastsMs} ms`);
    await fault.begin();
    const over = wait(lastsMs)
      .then(fault.end)
      .finally(() => this.underWay.delete(fault.target));
    this.underWay.set(fault.target, over);
  }

  /** Waits for the end of what is under way, and mends all. */
  async rest(): Promise<void> {
    await Promise.all(this.underWay.values());
    clearInterval(this.keeper);
    await this.world.mend();
  }

  private choose(): Fault {
    const { random, world } = this;
    const kind = random.oneOf([
      ...Array<'process'>(9).fill('process'),
      ...Array<'way'>(8).fill('way'),
      ...Array<'postgres'>(2).fill('postgres'),
      'bouncer' as const,
    ]);
    switch (kind) {
      case 'process':
        return this.ofProcess(random.oneOf(world.parts));
      case 'way':
        return this.ofWay(random.oneOf([...world.ways.keys()]));
      case 'postgres':
        return this.ofPostgres();
      case 'bouncer':
        return world.bouncer === undefined ? this.ofPostgres() : this.ofBouncer();
    }
  }

  private ofProcess(part: Part): Fault {
    const { name } = part;
    if (this.random.chance(0.5)) {
      return {
        target: name,
        what: `${name} is stopped`,
        begin: () => part.signal('SIGSTOP'),
        end: () => part.signal('SIGCONT'),
      };
    }
    return {
      target: name,
      what: `${name} is killed`,
      begin: async () => {
        this.down.add(name);
        await part.end('SIGKILL');
      },
      end: () => {
        this.down.delete(name);
        part.run();
      },
    };
  }

  private ofWay(name: string): Fault {
    const trouble = this.random.oneOf<Trouble>([
      { kind: 'cut' },
      { kind: 'delay', ms: this.random.whole(20, 400) },
      { kind: 'loss', oneOf: this.random.whole(5, 40) },
      { kind: 'half-open' },
      { kind: 'answers-lost' },
    ]);
    const way = this.world.ways.get(name);
    return {
      target: name,
      what: `the way ${name} has ${trouble.kind}`,
      begin: () => way?.set(trouble),
      end: () => way?.mend(),
    };
  }

  private ofPostgres(): Fault {
    const { postgres } = this.world;
    return this.random.chance(0.4)
      ? {
          target: 'postgres',
          what: 'PostgreSQL is killed',
          begin: () => postgres.kill(),
          end: () => undefined,
        }
      : {
          target: 'postgres',
          what: 'PostgreSQL is stopped',
          begin: () => postgres.freeze(),
          end: () => postgres.thaw(),
        };
  }

  private ofBouncer(): Fault {
    const { world } = this;
    return {
      target: 'pgbouncer',
      what: 'PgBouncer is killed',
      begin: () => world.bouncer?.kill(),
      end: () => world.bouncer?.run(),
    };
  }
}
