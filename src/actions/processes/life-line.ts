import { type ChildProcess, spawn } from 'node:child_process';
import { type Socket } from 'node:net';

/**
 * What the companion process runs: it keeps the list of process groups that come as `+id` and go as `-id`, and kills what
 * is on it when its standard input ends, which happens however the gateway ends.
 */
const COMPANION = `
  const groups = new Set();
  require('node:readline').createInterface({ input: process.stdin })
    .on('line', (line) => groups[line[0] === '+' ? 'add' : 'delete'](Number(line.slice(1))))
    .on('close', () => {
      for (const group of groups) try { process.kill(-group, 'SIGKILL'); } catch {}
    });
`;

/**
 * Ends the processes of actions with the gateway, even when it is killed and can do nothing about them itself. Without
 * it they would go on without a time limit, out of reach of the emergency stop, beside what a new gateway starts.
 *
 * The companion starts with the first process and is replaced if it dies.
 */
export class LifeLine {
  private readonly groups = new Set<number>();
  private companion: ChildProcess | undefined;

  /** From now on `group` dies with this process. */
  tie(group: number): void {
    this.groups.add(group);
    if (this.companion === undefined) this.start();
    else this.tell(`+${group}`);
  }

  /** `group` has ended. */
  untie(group: number): void {
    if (this.groups.delete(group)) this.tell(`-${group}`);
  }

  private start(): void {
    const companion = spawn(process.execPath, ['-e', COMPANION], {
      cwd: '/',
      env: {},
      // A Ctrl-C in the gateway's terminal is not for the companion.
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    const gone = () => {
      if (this.companion === companion) this.companion = undefined;
    };
    companion.once('error', gone).once('exit', gone);
    // Broken when the companion has died; its exit says so as well.
    companion.stdin.on('error', gone);
    // It lasts as long as this process and must not make it last longer.
    companion.unref();
    (companion.stdin as unknown as Socket).unref();
    this.companion = companion;
    for (const group of this.groups) this.tell(`+${group}`);
  }

  private tell(line: string): void {
    this.companion?.stdin?.write(`${line}\n`);
  }
}
