import { type Command, Option } from 'commander';
import { type Job, type JobPayload, type JobStatus } from '../../contracts/skyclaw.js';
import { age, record, table } from '../table.js';
import { note, plain, say, sayJson, write } from '../terminal.js';
import { openCoordinator } from './coordinator.js';
import { countFlag } from '../flags.js';
import { whenInterrupted } from './interrupt.js';
import { exitCodeOf, untilEnded } from './job-end.js';

interface JsonFlag {
  readonly json?: true;
}

export function addJobCommands(program: Command): void {
  program
    .command('get-job')
    .summary('show a job')
    .description('Shows a job with its result. With --wait, once it has ended, and with its exit code.')
    .argument('<id>')
    .option('--wait', 'wait until it has ended, and end with its exit code')
    .option('--json', 'print what the API answers')
    .addHelpText('after', '\nExample:\n  skyclaw get-job job_1b4e28ba-2fa1-11d2-883f-0016d3cca427 --wait')
    .action(getJob);
  program
    .command('list-jobs')
    .summary('list jobs')
    .description('Lists jobs, the newest first.')
    .addOption(
      new Option('--status <status>', 'only those').choices(['queued', 'leased', 'completed', 'failed']),
    )
    .option('--limit <number>', 'so many at most', countFlag, 50)
    .option('--json', 'print what the API answers')
    .addHelpText('after', '\nExample:\n  skyclaw list-jobs --status failed --limit 10')
    .action(listJobs);
  program
    .command('cancel-job')
    .summary('cancel a job')
    .description('Ends a job in whatever state it is; the host that runs it is told to kill it.')
    .argument('<id>')
    .option('--reason <text>', 'kept with the job')
    .option('--json', 'print what the API answers')
    .addHelpText('after', "\nExample:\n  skyclaw cancel-job job_1b4e28ba --reason 'no longer needed'")
    .action(cancelJob);
}

async function getJob(id: string, flags: JsonFlag & { readonly wait?: true }): Promise<void> {
  const coordinator = openCoordinator();
  let answer = await coordinator.job(id);
  if (flags.wait === true) {
    answer = {
      job: await whenInterrupted(`${id} goes on. Cancel it with skyclaw cancel-job ${id}.`, () =>
        untilEnded(coordinator, id),
      ),
    };
    process.exitCode = exitCodeOf(answer.job);
  }
  if (flags.json === true) sayJson(answer);
  else await show(answer.job);
}

async function listJobs(
  flags: JsonFlag & { readonly status?: JobStatus; readonly limit: number },
): Promise<void> {
  const answer = await openCoordinator().jobs(flags.limit, flags.status);
  if (flags.json === true) {
    sayJson(answer);
    return;
  }
  const rows = answer.jobs.map((job) => [
    job.id,
    job.status,
    job.result === undefined ? '' : String(job.result.exitCode),
    String(job.attempts),
    age(job.createdAt),
    job.assignedHostId ?? '',
    commandLine(job.payload),
  ]);
  say(table(['ID', 'STATUS', 'EXIT', 'ATTEMPTS', 'AGE', 'HOST', 'COMMAND'], rows));
  if (answer.next_cursor !== undefined)
    note(`There are more; --limit ${flags.limit * 2} shows further ones.`);
}

async function cancelJob(id: string, flags: JsonFlag & { readonly reason?: string }): Promise<void> {
  const answer = await openCoordinator().cancelJob(id, flags.reason);
  if (flags.json === true) sayJson(answer);
  else say(plain(`${answer.job.id} is ${answer.job.status}${because(answer.job.error)}.`));
}

async function show(job: Job): Promise<void> {
  const { payload, result } = job;
  say(
    record({
      id: job.id,
      status: job.status,
      command: commandLine(payload),
      folder: payload.kind === 'shell' ? payload.cwd : payload.openclawDir,
      image: payload.image,
      capabilities: job.requirement.requiredCapabilities.join(', '),
      priority: job.priority,
      after: job.dependencies.join(', '),
      'submitted by': job.submittedBy,
      host: job.assignedHostId,
      attempts: job.attempts,
      'lease until': job.leaseExpiresAt,
      created: job.createdAt,
      finished: result?.finishedAt,
      took: result === undefined ? undefined : `${result.durationMs} ms`,
      'exit code': result?.exitCode,
      error: job.error,
    }),
  );
  for (const stream of ['stdout', 'stderr'] as const) {
    const text = result?.[stream] ?? '';
    if (text === '') continue;
    await write(process.stdout, `\n${stream}:\n${text}${text.endsWith('\n') ? '' : '\n'}`);
  }
}

/** What a person would have typed. */
function commandLine(payload: JobPayload): string {
  const words = payload.kind === 'shell' ? [payload.command] : ['openclaw'];
  return [...words, ...(payload.args ?? [])]
    .map((word) => (/^[\w./:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`))
    .join(' ');
}

function because(error: string | undefined): string {
  return error === undefined || error === '' ? '' : ` (${error})`;
}
