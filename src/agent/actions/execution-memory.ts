import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { AGENT_MEMORY_SECONDS } from '../../contracts/agent-socket.js';
import { type ActionResult } from '../../contracts/gateway-api.js';
import { type Logger } from '../../platform/logging/logger.js';
import { everyInterval } from '../../platform/loops/interval-clock.js';
import { Loop } from '../../platform/loops/loop.js';
import { type StateDir } from '../../platform/state-dir/state-dir.js';

const FOLDER = 'executions';
const SWEEP_EVERY_MS = 3_600_000;
/** How much of results is kept; of the oldest beyond it only the returncode. */
const MAX_KEPT_BYTES = 512 * 1_048_576;
/** A result below this is not worth forgetting. */
const SMALL_BYTES = 1_024;
/** The part of it that may be written before the next sweep looks at the size. */
const SWEEP_AFTER = 1 / 8;

export interface ExecutionKey {
  readonly taskId: string;
  readonly idempotencyKey: string;
}

/** What is remembered of a key. Without a result: its action has begun, and nothing was written down of its end. */
export interface Remembered {
  /** Of the action and its parameters. */
  readonly fingerprint: string;
  readonly result?: ActionResult;
}

/**
 * What this agent has begun and executed under a key, on disk: a file for each key, made before its action begins, replaced
 * by one with the result before anybody hears of it, and gone after 24 hours. A file is whole or not there, whenever the
 * agent or its machine dies.
 *
 * The memory has an id, which lies in the same folder and is gone when the folder is: by it a gateway knows whom to ask.
 */
export class ExecutionMemory extends Loop {
  /** Results that the disk did not take yet. */
  private readonly unwritten = new Map<string, Remembered>();
  private writtenBytes = 0;

  constructor(
    private readonly state: StateDir,
    logger: Logger,
    private readonly maxKeptBytes = MAX_KEPT_BYTES,
  ) {
    super({ name: 'execution-memory', intervalMs: SWEEP_EVERY_MS, logger }, everyInterval);
  }

  /** The id of this memory, made at its first use. */
  id(): string {
    const known = this.state.read(FOLDER, 'id.json');
    if (typeof known === 'string') return known;
    const id = randomUUID();
    this.state.write(id, FOLDER, 'id.json');
    return id;
  }

  async find(key: ExecutionKey): Promise<Remembered | undefined> {
    const path = this.pathOf(key);
    const unwritten = this.unwritten.get(path);
    if (unwritten !== undefined) return unwritten;
    try {
      return JSON.parse(await readFile(path, 'utf8')) as Remembered;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  /** Notes that an action is about to begin. Rejects when that cannot be written: then it must not begin. */
  begin(key: ExecutionKey, fingerprint: string): Promise<void> {
    return this.write(this.pathOf(key), { fingerprint });
  }

  /** Notes the result of an action. Kept until the next sweep, which tries again, when the disk does not take it. */
  async finish(key: ExecutionKey, remembered: Required<Remembered>): Promise<void> {
    const path = this.pathOf(key);
    try {
      await this.write(path, remembered);
    } catch (error) {
      this.unwritten.set(path, remembered);
      this.logger.error({ err: error }, 'What an action came to cannot be written down yet.');
    }
  }

  /** Forgets an action that did not begin after all. */
  async forget(key: ExecutionKey): Promise<void> {
    await rm(this.pathOf(key), { force: true });
  }

  /** Forgets what is old, and the outputs of the oldest when they are too much. */
  protected async runOnce(signal: AbortSignal): Promise<void> {
    for (const [path, remembered] of this.unwritten) {
      await this.write(path, remembered);
      this.unwritten.delete(path);
    }
    this.writtenBytes = 0;
    const kept: { path: string; bytes: number; at: Date }[] = [];
    for (const path of await this.files()) {
      if (signal.aborted) return;
      const { size: bytes, mtime: at } = await stat(path);
      const isOld = Date.now() - at.getTime() > AGENT_MEMORY_SECONDS * 1_000;
      if (isOld) await rm(path, { force: true });
      else kept.push({ path, bytes, at });
    }
    let total = kept.reduce((sum, { bytes }) => sum + bytes, 0);
    const large = kept.filter(({ bytes }) => bytes > SMALL_BYTES);
    for (const { path, bytes, at } of large.sort((a, b) => a.at.getTime() - b.at.getTime())) {
      if (total <= this.maxKeptBytes || signal.aborted) return;
      await this.forgetOutput(path, at);
      total -= bytes;
    }
  }

  private async forgetOutput(path: string, at: Date): Promise<void> {
    const { fingerprint, result } = JSON.parse(await readFile(path, 'utf8')) as Remembered;
    if (result === undefined) return;
    const stderr = 'The output of this execution is not kept any more.';
    await this.write(path, { fingerprint, result: { returncode: result.returncode, stdout: '', stderr } });
    await utimes(path, at, at);
  }

  private async files(): Promise<readonly string[]> {
    const root = this.state.file(FOLDER);
    const folders = (await readdir(root, { withFileTypes: true })).filter((entry) => entry.isDirectory());
    const names = await Promise.all(
      folders.map(async ({ name }) =>
        (await readdir(join(root, name))).map((file) => join(root, name, file)),
      ),
    );
    return names.flat();
  }

  private pathOf({ taskId, idempotencyKey }: ExecutionKey): string {
    const hash = createHash('sha256')
      .update(JSON.stringify([taskId, idempotencyKey]))
      .digest('hex');
    return this.state.file(FOLDER, hash.slice(0, 2), `${hash}.json`);
  }

  /** Replaces a file so that it outlives a crash of the machine. */
  private async write(path: string, remembered: Remembered): Promise<void> {
    const text = JSON.stringify(remembered);
    const fresh = `${path}.${randomBytes(6).toString('hex')}.new`;
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    try {
      const file = await open(fresh, 'wx', 0o600);
      try {
        await file.writeFile(text);
        await file.datasync();
      } finally {
        await file.close();
      }
      await rename(fresh, path);
    } catch (error) {
      await rm(fresh, { force: true });
      throw error;
    }
    const folder = await open(dirname(path), 'r');
    await folder.sync().finally(() => folder.close());
    this.writtenBytes += text.length;
    if (this.writtenBytes > this.maxKeptBytes * SWEEP_AFTER) this.nudge();
  }
}
