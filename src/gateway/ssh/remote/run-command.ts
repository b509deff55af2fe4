import { type ClientChannel } from 'ssh2';
import { cutText, type HaltReason, type Keep, KeptOutput } from '../../../actions/index.js';
import { type ActionResult } from '../../../contracts/gateway-api.js';
import { type SshSession } from '../connection/session.js';
import { TransportError } from '../connection/transport-error.js';
import { untilAborted } from '../../../platform/until-aborted.js';
import { type HostShell, type Prepared } from './host-shell.js';
import { type Limits } from './time-limit.js';

const MAX_STDERR = 4_096;
/** How long the last output may take after a command has ended. Only what left its group can hold it up. */
const LAST_OUTPUT_MS = 2_000;
/** How long the host may take to say that a command has ended that was told to. */
const END_CONFIRMED_MS = 3_000;

/** Why a command ends before its time: its own limit, or a word from above. */
export type EndReason = HaltReason | 'time limit';

/**
 * Runs commands on the host, with bounded output, and ends them with all that they have started when `signal` fires.
 *
 * Rejects with a {@link TransportError} when the command could not be started, or when nobody can tell how it ended.
 */
export async function runCommand(
  session: SshSession,
  shell: HostShell,
  prepared: Prepared,
  { signal, limitSeconds }: Pick<Limits, 'signal' | 'limitSeconds'>,
  keep: Keep = { from: 'start', maxCharacters: 8_192 },
): Promise<ActionResult> {
  let channel: ClientChannel;
  const opening = session.exec(prepared.line);
  try {
    channel = await untilAborted(opening, signal);
  } catch (error) {
    // Nothing begins without the word that follows the input.
    if (!signal.aborted) throw TransportError.of(error);
    // It may still open, and would wait for that word as long as the connection lasts.
    void opening.then(
      (late) => late.close(),
      () => undefined,
    );
    return killed(signal.reason as EndReason, limitSeconds);
  }
  const end = new CommandEnd(session, channel, keep);
  if (prepared.endsWithInput) channel.end(prepared.input);
  else channel.write(prepared.input);
  try {
    await untilAborted(end.reached, signal);
    return end.result();
  } catch (error) {
    if (!signal.aborted) throw error;
    await end.force(() => shell.kill(session, channel, prepared));
    return killed(signal.reason as EndReason, limitSeconds, end.result().stdout);
  }
}

/** The result of an action that was ended before its time. */
export const killed = (reason: EndReason, limitSeconds: number, stdout = ''): ActionResult => ({
  returncode: -1,
  stdout,
  stderr:
    reason === 'time limit'
      ? `Process timed out after ${limitSeconds}s and was killed.`
      : `Process was killed by the ${reason}.`,
});

/** Follows a command to its end. */
class CommandEnd {
  /** Resolves with the end of the command and of its output; rejects when the connection breaks before. */
  readonly reached: Promise<void>;
  private readonly stdout: KeptOutput;
  private readonly stderr = new KeptOutput({ from: 'start', maxCharacters: MAX_STDERR });
  private code: number | undefined;

  constructor(
    session: SshSession,
    private readonly channel: ClientChannel,
    keep: Keep,
  ) {
    this.stdout = new KeptOutput(keep);
    channel.on('data', (chunk: Buffer) => this.stdout.add(chunk));
    channel.stderr.on('data', (chunk: Buffer) => this.stderr.add(chunk));
    // A channel that breaks is closed as well.
    channel.on('error', () => undefined);
    channel.stderr.on('error', () => undefined);
    this.reached = new Promise((resolve, reject) => {
      let patience: NodeJS.Timeout | undefined;
      channel.once('exit', (code: number | null) => {
        this.code = code ?? -1;
        patience = setTimeout(() => {
          resolve();
          channel.close();
        }, LAST_OUTPUT_MS);
      });
      channel.once('close', () => {
        clearTimeout(patience);
        if (this.code !== undefined) resolve();
        else
          reject(new TransportError(session.failure ?? 'the host does not say how the command ended', true));
      });
    });
    this.reached.catch(() => undefined);
  }

  result(): ActionResult {
    return {
      returncode: this.code ?? -1,
      stdout: this.stdout.text(),
      stderr: this.stderr.text(),
    };
  }

  /** Ends the command, and waits until the host says that it has ended. */
  async force(kill: () => Promise<void>): Promise<void> {
    const patience = AbortSignal.timeout(END_CONFIRMED_MS);
    try {
      await untilAborted(Promise.all([kill(), this.reached]), patience);
    } catch (error) {
      if (!patience.aborted) throw error;
      this.channel.close();
      throw new TransportError('the host does not confirm that the command has ended', true);
    }
  }
}

/** A failure of this side or of the host, as the result of an action. */
export const failure = (text: string): ActionResult => ({
  returncode: 1,
  stdout: '',
  stderr: cutText(text, MAX_STDERR),
});
