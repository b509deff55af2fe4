import { type Command } from 'commander';
import { type LogLine, type LogsResponse } from '../../contracts/skyclaw.js';
import { ApiError } from '../api/api-error.js';
import { note, plain, UsageError, write } from '../terminal.js';
import { type Coordinator, openCoordinator } from './coordinator.js';
import { followLogs } from './follow-logs.js';
import { hasEnded, noteFailure, untilEnded } from './job-end.js';
import { JobOutput } from './job-output.js';
import { findService } from './named-service.js';

export function addLogsCommand(program: Command): void {
  program
    .command('logs')
    .summary('show the output of a job or a service')
    .description(
      'Prints what a job or a service has written, to stdout and stderr as it was. With --follow it goes on until the job has ended.',
    )
    .argument('<job|service>', 'id of a job, id or name of a service')
    .option('-f, --follow', 'go on with what is written from now on')
    .addHelpText('after', '\nExamples:\n  skyclaw logs job_1b4e28ba\n  skyclaw logs web --follow')
    .action(logs);
}

async function logs(name: string, { follow = false }: { readonly follow?: boolean }): Promise<void> {
  const coordinator = openCoordinator();
  const service = name.startsWith('job_') ? undefined : await findService(coordinator, name);
  if (service !== undefined) {
    await serviceLogs(coordinator, service.id, follow);
    return;
  }
  await coordinator.job(name).catch((error: unknown) => {
    const isUnknown = error instanceof ApiError && error.status === 404 && !name.startsWith('job_');
    throw isUnknown ? new UsageError(`no job and no service is called ${name}`) : error;
  });
  await jobLogs(coordinator, name, follow);
}

async function jobLogs(coordinator: Coordinator, id: string, follow: boolean): Promise<void> {
  const path = `/v1/jobs/${encodeURIComponent(id)}/logs`;
  const output = new JobOutput();
  const onLine = (line: LogLine) => output.line(line);
  if (follow) {
    await followLogs(coordinator, path, onLine);
    const job = await untilEnded(coordinator, id);
    await output.complete(job);
    noteFailure(job);
    return;
  }
  await printKept(coordinator, path, onLine);
  const { job } = await coordinator.job(id);
  if (hasEnded(job)) await output.complete(job);
}

async function serviceLogs(coordinator: Coordinator, id: string, follow: boolean): Promise<void> {
  const path = `/v1/services/${encodeURIComponent(id)}/logs`;
  let source = '';
  const onLine = async ({ hostId, attempt, stream, text }: LogLine) => {
    const next = `==> ${plain(hostId)}, start ${attempt + 1} <==`;
    if (next !== source) await write(process.stderr, `${next}\n`);
    source = next;
    await write(process[stream], text);
  };
  if (!follow) {
    if (!(await printKept(coordinator, path, onLine))) throw new UsageError(noLogs);
    return;
  }
  const followed = await followLogs(coordinator, path, onLine);
  if (followed === 'no-stream') throw new UsageError(noLogs);
}

const noLogs = 'this coordinator keeps no logs of services';

/** Prints what is kept, page by page. False when the coordinator keeps nothing: it is older than this program. */
async function printKept(
  coordinator: Coordinator,
  path: string,
  onLine: (line: LogLine) => Promise<void>,
): Promise<boolean> {
  let after: string | undefined;
  for (;;) {
    let page: LogsResponse;
    try {
      page = await coordinator.logs(path, after);
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return false;
      throw error;
    }
    for (const line of page.entries) await onLine(line);
    if (page.next === undefined || page.entries.length === 0) {
      if (page.truncated) note('There was more output than is kept.');
      return true;
    }
    after = page.next;
  }
}
