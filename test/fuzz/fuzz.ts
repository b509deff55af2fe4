import fc from 'fast-check';
import { type Description } from './description.js';
import { type Fault, Judge } from './judge.js';
import { type FuzzRequest, requestsOf } from './requests.js';
import { type World } from './world.js';

export interface Plan {
  readonly requests: number;
  readonly seed: number;
  /** The run ends when this is over, whatever has been sent. */
  readonly limitMs: number;
  readonly progress: (text: string) => void;
}

/** A fault with the smallest request that shows it. */
export interface Finding extends Fault {
  readonly request: FuzzRequest;
}

export interface Result {
  readonly sent: number;
  /** Answers by status. */
  readonly statuses: Readonly<Record<string, number>>;
  /** The same of each operation. */
  readonly byOperation: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** Answers that were checked against a schema. */
  readonly checked: number;
  readonly findings: readonly Finding[];
  readonly memory: { readonly warm: number; readonly end: number };
}

const LANES = 4;
/** Requests after which what they have used up is made anew. */
const REFRESH_EVERY = 300;
const MOST_SHRINKS = 250;
const WARM = 0.1;

/** Sends requests in lanes, each a property of its own seed, and goes on after a fault once that is as small as can be. */
export async function fuzz(world: World, description: Description, plan: Plan): Promise<Result> {
  const run = new Run(world, new Judge(description, world.secrets), requestsOf(description), plan);
  const share = Math.ceil(plan.requests / LANES);
  await Promise.all(Array.from({ length: LANES }, (_, lane) => run.lane(plan.seed * LANES + lane, share)));
  return run.result();
}

class Run {
  private sent = 0;
  private warm = 0;
  private readonly end: number;
  private readonly statuses: Record<string, number> = {};
  private readonly byOperation: Record<string, Record<string, number>> = {};
  /** By the fault, so that each is told once. */
  private readonly findings = new Map<string, Finding>();

  constructor(
    private readonly world: World,
    private readonly judge: Judge,
    private readonly requests: fc.Arbitrary<FuzzRequest>,
    private readonly plan: Plan,
  ) {
    this.end = performance.now() + plan.limitMs;
  }

  async lane(seed: number, share: number): Promise<void> {
    let left = share;
    for (let part = 0; left > 0 && !this.isOver; part++) {
      const wanted: { fault?: Fault; key?: string; shrinks: number } = { shrinks: 0 };
      const details = await fc.check(
        fc.asyncProperty(this.requests, async (request) => {
          const isFirst = wanted.key === undefined;
          if (this.isOver || (!isFirst && ++wanted.shrinks > MOST_SHRINKS)) return;
          const faults = await this.try(request, isFirst);
          const isNews = (key: string) => (isFirst ? !this.findings.has(key) : key === wanted.key);
          const fault = faults.find((one) => isNews(keyOf(request, one)));
          if (fault === undefined) return;
          Object.assign(wanted, { fault, key: keyOf(request, fault) });
          throw new Error(fault.text);
        }),
        { seed: seed + part * 1_000_003, numRuns: left },
      );
      left -= details.numRuns;
      const [request] = details.counterexample ?? [];
      if (request === undefined || wanted.fault === undefined || wanted.key === undefined) continue;
      this.findings.set(wanted.key, { ...wanted.fault, request });
    }
  }

  result(): Result {
    return {
      ...{ sent: this.sent, checked: this.judge.checked, findings: [...this.findings.values()] },
      ...{ statuses: this.statuses, byOperation: this.byOperation },
      memory: { warm: this.warm, end: this.world.memory() },
    };
  }

  private get isOver(): boolean {
    return performance.now() > this.end || !this.world.isAlive;
  }

  /** Sends one request and judges the answer; those that only make a fault smaller are not counted. */
  private async try(request: FuzzRequest, isCounted: boolean): Promise<Fault[]> {
    const { world } = this;
    const exchange = await world.send(request);
    if (isCounted) {
      const status = String(exchange.answer?.status ?? 'none');
      count(this.statuses, status);
      count((this.byOperation[request.operation] ??= {}), status);
      this.sent += 1;
      this.plan.progress(
        `${this.sent} requests, ${this.findings.size} faults, ${Math.round(world.memory() / 2 ** 20)} MiB`,
      );
      if (this.warm === 0 && this.sent >= this.plan.requests * WARM) this.warm = world.memory();
      if (this.sent % REFRESH_EVERY === 0) await world.refresh();
    }
    return this.judge.faults(request, exchange);
  }
}

const keyOf = ({ operation }: FuzzRequest, { rule, text }: Fault) => `${operation} ${rule} ${text}`;

function count(counts: Record<string, number>, status: string): void {
  counts[status] = (counts[status] ?? 0) + 1;
}
