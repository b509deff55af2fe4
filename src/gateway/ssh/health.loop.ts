import { type Logger } from '../../platform/logging/logger.js';
import { everyInterval } from '../../platform/loops/interval-clock.js';
import { Loop } from '../../platform/loops/loop.js';
import { type SshLink } from './connection/link.js';
import { type SshSession } from './connection/session.js';
import { untilAborted } from '../../platform/until-aborted.js';
import { type SshTarget } from './ssh.config.js';

/** How long the host may take for a command that does nothing, once the connection is there. */
const ANSWER_MS = 4_000;

/** Looks again and again whether a command runs on the host and ends well; what it found last is there at once. */
export class SshHealthLoop extends Loop {
  private works = false;

  constructor(
    private readonly link: SshLink,
    private readonly target: SshTarget,
    logger: Logger,
  ) {
    super({ name: 'ssh-health', intervalMs: target.healthIntervalMs, logger }, everyInterval);
  }

  /** Whether it worked when it was last tried, and has not broken since. */
  get isHealthy(): boolean {
    return this.works && this.link.connected !== undefined;
  }

  protected async runOnce(stopped: AbortSignal): Promise<void> {
    const limit = AbortSignal.timeout(this.target.connectTimeoutMs + ANSWER_MS);
    const signal = AbortSignal.any([stopped, limit]);
    let session: SshSession | undefined;
    try {
      session = await untilAborted(this.link.session(), signal);
      await this.runNothing(session, signal);
      this.works = true;
    } catch (error) {
      this.works = false;
      if (stopped.aborted) return;
      throw error;
    }
  }

  /** `exit 0` means the same to every shell of every system. */
  private async runNothing(session: SshSession, signal: AbortSignal): Promise<void> {
    const channel = await untilAborted(session.exec('exit 0'), signal);
    const code = new Promise<number | null>((resolve) => {
      channel.once('exit', resolve).once('close', () => resolve(null));
    });
    channel.on('error', () => undefined).resume();
    channel.stderr.resume();
    channel.end();
    try {
      const ended = await untilAborted(code, signal);
      if (ended !== 0)
        throw new Error(`A command that does nothing ended with ${String(ended)} on the SSH host.`);
    } finally {
      channel.close();
    }
  }
}
