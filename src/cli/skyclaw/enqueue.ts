import { type Command } from 'commander';
import { type Job } from '../../contracts/skyclaw.js';
import { note, say, sayJson, UsageError } from '../terminal.js';
import { type Coordinator, openCoordinator } from './coordinator.js';
import { durationFlag, integerFlag, listFlag, pairsFlag } from '../flags.js';
import { followLogs } from './follow-logs.js';
import { exitCodeOf, noteFailure, untilEnded } from './job-end.js';
import { JobOutput } from './job-output.js';
import { whenInterrupted } from './interrupt.js';

/** Who the API says has handed a job in. */
const SUBMITTER = 'skyclaw-cli';

interface EnqueueFlags {
  readonly wait?: true;
  readonly json?: true;
  readonly timeout?: number;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly priority?: number;
  readonly after?: readonly string[];
  readonly ttl?: number;
  readonly capability?: readonly string[];
  readonly image?: string;
}

export function addEnqueueCommands(program: Command): void {
  withFlags(program.command('enqueue-shell'))
    .summary('hand in a shell job')
    .description(
      'Hands in a job that runs a command on a host with the capability shell, and prints its id. Everything from the command on belongs to it.',
    )
    .usage('[flags] [--] <command> [args...]')
    .argument('[command]', 'command to run; the host must allow it')
    .argument('[args...]', 'its arguments, flags included')
    .addHelpText(
      'after',
      `
Examples:
  skyclaw enqueue-shell bash -lc 'echo hi'
  skyclaw enqueue-shell --wait --timeout 10m npm test`,
    )
    .action((command: string | undefined, args: readonly string[], flags: EnqueueFlags) => {
      if (command === undefined || command === '') throw new UsageError('enqueue-shell requires a command');
      return enqueue('shell', { kind: 'shell', command, args, ...common(flags), cwd: flags.cwd }, flags);
    });

  withFlags(program.command('enqueue-openclaw'))
    .summary('hand in an OpenClaw job')
    .description(
      'Hands in a job that runs OpenClaw on a host with the capability openclaw, and prints its id. Flags of skyclaw stand first; everything from the first other word on, or after --, belongs to OpenClaw.',
    )
    .usage('[flags] [--] [args...]')
    .argument('[args...]', 'arguments of OpenClaw, flags included')
    .allowUnknownOption()
    .addHelpText(
      'after',
      `
Examples:
  skyclaw enqueue-openclaw run
  skyclaw enqueue-openclaw --wait -- run --message 'tidy up'`,
    )
    .action((args: readonly string[], flags: EnqueueFlags) =>
      enqueue('openclaw', { kind: 'openclaw-run', args, ...common(flags), openclawDir: flags.cwd }, flags),
    );
}

function withFlags(command: Command): Command {
  return command
    .passThroughOptions()
    .option('--wait', 'show its output as it comes, and end with its exit code')
    .option('--timeout <duration>', 'limit of the run, 1s to 24h: 30s, 10m', durationFlag)
    .option('--cwd <folder>', 'folder on the host to run in')
    .option('--env <name=value>', 'variable of its environment (repeatable)', pairsFlag)
    .option('--priority <number>', 'jobs with a higher one go first (0)', integerFlag)
    .option('--after <jobId>', 'wait until this job has succeeded (repeatable)', listFlag)
    .option('--ttl <duration>', 'give up when it has not begun by then', durationFlag)
    .option('--capability <name>', 'something else that the host must have (repeatable)', listFlag)
    .option('--image <name>', 'image to run in, on hosts that isolate')
    .option('--json', 'print what the API answers');
}

function common({ env, timeout, image }: EnqueueFlags): object {
  return { env, timeoutMs: timeout, image };
}

async function enqueue(capability: string, payload: object, flags: EnqueueFlags): Promise<void> {
  const coordinator = openCoordinator();
  const answer = await coordinator.enqueue({
    payload,
    requirement: { requiredCapabilities: [...new Set([capability, ...(flags.capability ?? [])])] },
    submittedBy: SUBMITTER,
    priority: flags.priority,
    dependencies: flags.after,
    ttlMs: flags.ttl,
  });
  const { id } = answer.job;
  if (flags.wait !== true) {
    if (flags.json === true) sayJson(answer);
    else say(id);
    return;
  }
  const job = await whenInterrupted(
    `${id} goes on. Look at it with skyclaw get-job ${id}, or cancel it with skyclaw cancel-job ${id}.`,
    () => {
      note(`${id} is ${answer.job.status}.`);
      return flags.json === true ? untilEnded(coordinator, id) : untilShown(coordinator, id);
    },
  );
  if (flags.json === true) sayJson({ job });
  noteFailure(job);
  process.exitCode = exitCodeOf(job);
}

/** Shows the output of a job until it has ended; where the coordinator has no stream, all of it at the end. */
async function untilShown(coordinator: Coordinator, id: string): Promise<Job> {
  const output = new JobOutput();
  await followLogs(coordinator, `/v1/jobs/${encodeURIComponent(id)}/logs`, (line) => output.line(line));
  const job = await untilEnded(coordinator, id);
  await output.complete(job);
  return job;
}
