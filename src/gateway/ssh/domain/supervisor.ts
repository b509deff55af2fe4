import { quotePosix } from './posix.js';

/**
 * What runs on a linux host around a command: `$1` bytes of input, `$2` seconds, `$3` the command.
 *
 * It reads the input and the word `go` from its standard input; without the word, because the connection broke before
 * it, nothing begins. Then it runs the command in a session of its own, and waits for the end of the command or of its own
 * standard input, whichever is first. Standard input ends when the gateway says so (time limit, emergency stop), and also
 * when the gateway or the connection dies: the whole process group is killed in each case, and what the command has left
 * in its group ends with it. `timeout` is for a connection that breaks without either side hearing of it.
 *
 * The input is never an argument of a process, so it may hold secrets. A shell cannot hold a NUL: it is dropped from the input. Under a shell that has no session of the command yet
 * the kill is tried again: a stop may come in its first millisecond.
 */
const SUPERVISOR = [
  'exec 3<&0 </dev/null',
  'input=$([ "$1" -eq 0 ] || dd bs="$1" count=1 iflag=fullblock <&3 2>/dev/null; echo x)',
  'IFS= read -r go <&3',
  '[ "$go" = go ] || exit 125',
  'printf %s "${input%x}" | setsid timeout -s KILL "$2" sh -c "$3" 3<&- &',
  'pid=$!',
  '( while IFS= read -r go; do :; done; while kill -s 0 "$pid" && ! kill -s KILL -- "-$pid"; do :; done ) <&3 >/dev/null 2>&1 &',
  'watcher=$!',
  'exec 3<&-',
  'wait "$pid"',
  'code=$?',
  'kill "$watcher" 2>/dev/null',
  'kill -s KILL -- "-$pid" 2>/dev/null',
  'exit "$code"',
].join('\n');

/** What is sent after the input to let the command begin. */
export const GO = 'go\n';

/** The command line for a linux host that runs `command` under the supervisor, whatever POSIX shell the login has. */
export function supervised(command: string, inputBytes: number, limitSeconds: number): string {
  const words = [SUPERVISOR, 'skynet', String(inputBytes), String(limitSeconds), command];
  return `exec sh -c ${words.map(quotePosix).join(' ')}`;
}
