import { randomUUID } from 'node:crypto';
import { type ClientChannel } from 'ssh2';
import { type SshSession } from '../connection/session.js';
import { posixCommands, quotePosix } from '../domain/posix.js';
import { powerShellLine, windowsKillScript, windowsScript } from '../domain/powershell.js';
import { type Plan } from '../domain/remote-actions.js';
import { GO, supervised } from '../domain/supervisor.js';
import { type RemoteOs } from '../ssh.config.js';

/** Commands as the host takes them. */
export interface Prepared {
  readonly line: string;
  /** What is written to standard input once the channel is open; the command begins when it has arrived whole. */
  readonly input: string;
  /** Whether standard input ends with that. Otherwise its end ends the command. */
  readonly endsWithInput: boolean;
  readonly mark: string;
}

export interface PreparedFor {
  readonly folder: string;
  readonly roots: readonly string[];
  readonly limitSeconds: number;
  /** What commands see of the environment whatever they are. */
  readonly env: Readonly<Record<string, string>>;
}

/** How commands are put to a host, and ended there. */
export interface HostShell {
  /** Whether a variable of the environment may be as long as this text. */
  readonly fitsEnvironment: (text: string) => boolean;
  readonly prepare: (plan: Plan, run: PreparedFor) => Prepared;
  readonly kill: (session: SshSession, channel: ClientChannel, prepared: Prepared) => Promise<void>;
}

/** The host ends a command by itself so long after the gateway should have: for a connection that broke unheard. */
const BACKSTOP_SECONDS = 15;
/** cmd.exe, through which Windows hosts run what they are sent, takes no longer line. */
const LONGEST_WINDOWS_LINE = 8_000;

const linux: HostShell = {
  // Quoted twice, in a line that may have 128 KiB.
  fitsEnvironment: (text) => Buffer.byteLength(quotePosix(quotePosix(text))) <= 100_000,
  prepare: ({ commands, input = '', env: more }, { folder, roots, limitSeconds, env: usual }) => {
    const env = {
      ...gitEnvironment(roots.map((root) => root.replace(/\/[^/]*$/, '') || '/').join(':')),
      ...usual,
      ...more,
    };
    const settings = Object.entries(env).map(([name, value]) => `${name}=${value}`);
    const command = posixCommands(
      folder,
      commands.map((argv) => ['env', ...settings, ...argv]),
    );
    return {
      line: supervised(command, Buffer.byteLength(input), Math.ceil(limitSeconds) + BACKSTOP_SECONDS),
      input: input + GO,
      endsWithInput: false,
      mark: '',
    };
  },
  kill: (_session, channel) => {
    channel.end();
    return Promise.resolve();
  },
};

const windows: HostShell = {
  // The script around it, in UTF-16 and base64, leaves so much of the longest line.
  fitsEnvironment: (text) => text.length <= 1_000,
  prepare: ({ commands, input = '', env: more }, { folder, roots, limitSeconds, env: usual }) => {
    const mark = randomUUID();
    const script = windowsScript({
      folder,
      commands,
      mark,
      limitSeconds: Math.ceil(limitSeconds) + BACKSTOP_SECONDS,
      env: {
        ...gitEnvironment(roots.map((root) => root.replace(/\\[^\\]*$/, '\\')).join(';')),
        ...usual,
        ...more,
      },
    });
    const line = powerShellLine(script);
    if (line.length > LONGEST_WINDOWS_LINE) {
      throw new RangeError('The command line of this action is too long for a Windows host.');
    }
    const encoded = Buffer.from(input, 'utf8').toString('base64');
    return { line, input: `${encoded}\n${GO}`, endsWithInput: true, mark };
  },
  kill: async (session, _channel, { mark }) => {
    const killer = await session.exec(powerShellLine(windowsKillScript(mark)));
    killer.resume();
    killer.stderr.resume();
    killer.on('error', () => undefined);
    killer.end();
  },
};

/** Git asks nobody, and looks for its repository inside of the allowed roots only. */
function gitEnvironment(ceilings: string): Record<string, string> {
  return { GIT_TERMINAL_PROMPT: '0', GIT_CEILING_DIRECTORIES: ceilings };
}

export const hostShells: Readonly<Record<RemoteOs, HostShell>> = { linux, windows };
