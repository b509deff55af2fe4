import { join } from 'node:path';
import { freePort } from '../chaos/world/ports.js';
import { eventually } from '../support/eventually.js';
import { Program } from '../support/program.js';

const QUIET = {
  SKYNET_DIAGNOSTIC_RATE_LIMIT_PER_MIN: '0',
  SKYNET_REDACT_CLAIM_TOKENS: '0',
  SKYNET_LOG_LEVEL: 'error',
  SKYNET_HOST: '127.0.0.1',
};

/** A control plane of some build, at an address that it keeps. */
export class Replica {
  private program: Program | undefined;

  private constructor(
    private root: string,
    private readonly port: number,
    private readonly databaseUrl: string,
  ) {}

  /** Starts one, and waits until it is ready. */
  static async start(root: string, databaseUrl: string): Promise<Replica> {
    const replica = new Replica(root, await freePort(), databaseUrl);
    await replica.run();
    return replica;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** What it has said of things that went wrong. */
  get complaints(): string {
    return this.program?.stderr ?? '';
  }

  /** Ends it as an operator would, and starts a build in its place. */
  async replaceBy(root: string): Promise<void> {
    await this.end();
    this.root = root;
    await this.run();
  }

  async end(): Promise<void> {
    await this.program?.kill('SIGTERM');
  }

  private async run(): Promise<void> {
    const env = { ...QUIET, DATABASE_URL: this.databaseUrl, SKYNET_PORT: String(this.port) };
    const program = Program.run(join(this.root, 'bin', 'skynet'), ['serve'], env);
    this.program = program;
    await program.line(/SKYNET control plane: (\S+)/, 60_000);
    await eventually(
      'the replica is ready',
      async () => ((await fetch(`${this.url}/readyz`).catch(() => null))?.status === 200 ? true : undefined),
      60_000,
    );
  }
}
