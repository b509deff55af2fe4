import { randomUUID } from 'node:crypto';
import { type ActionResult } from '../../contracts/gateway-api.js';
import { cutText } from '../cut-text.js';
import { leaseEnv, leaseText } from '../lease/lease-text.js';
import { LeaseWatch } from '../lease/lease-watch.js';
import { runUnwatched } from '../lease/unwatched.js';
import { MAX_STDERR, MAX_STDOUT, messageOf, noted } from '../results.js';
import { type AgentRun } from './agent-run.js';
import { type AgentProfile, agentProfiles, type Placeholder } from './profiles.js';
import { readAnswer } from './read-answer.js';

/**
 * Runs a coding agent on a prompt, without a person. When the task has leased files, the agent is told which, and what it
 * writes is compared with them. Rejects only as its machine does, when nobody can tell how a program ended.
 */
export async function runCodingAgent(run: AgentRun): Promise<ActionResult> {
  const { agent, leased, unseen, machine } = run;
  const isWatched = leased !== undefined && unseen === undefined;
  if (!isWatched && agentProfiles[agent].prompt === 'stdin') return runTold(run, '');
  const scratch = await machine.files.makeScratch();
  const tidy = () =>
    machine.files.removeAll(scratch).then(
      () => '',
      (error: unknown) => `The folder ${scratch} could not be removed: ${messageOf(error)}.`,
    );
  let result: ActionResult;
  try {
    result = await runTold(run, scratch);
  } catch (error) {
    // Why nobody knows how the agent ended matters more than what it leaves behind.
    await tidy();
    throw error;
  }
  const left = await tidy();
  return left === '' ? result : noted(result, left);
}

async function runTold(run: AgentRun, scratch: string): Promise<ActionResult> {
  const { agent, leased, policy, prompt } = run;
  const profile = agentProfiles[agent];
  if (leased === undefined) return runProfile(run, profile, prompt, scratch);
  const told = () => runProfile(run, profile, `${prompt}\n\n${leaseText(leased)}\n`, scratch);
  if (run.unseen !== undefined) return runUnwatched(told, new Error(run.unseen), policy);
  let watch: LeaseWatch;
  try {
    watch = await LeaseWatch.begin({ ...run, leased, scratch });
  } catch (error) {
    return runUnwatched(told, error, policy);
  }
  return watch.settle(told);
}

async function runProfile(
  run: AgentRun,
  profile: AgentProfile,
  prompt: string,
  scratch: string,
): Promise<ActionResult> {
  const { machine, leased, attempts } = run;
  const promptFile = `${scratch}/prompt.md`;
  if (profile.prompt === 'file') await machine.files.write(promptFile, prompt);
  const placeholders: Readonly<Record<Placeholder, string>> = {
    '{prompt_file}': promptFile,
    '{run_id}': randomUUID(),
    '{timeout_seconds}': String(run.limitSeconds),
  };
  const args = profile.args.map((arg) => (arg in placeholders ? placeholders[arg as Placeholder] : arg));
  const perform = (options: readonly string[]) =>
    machine.run(run.program, [...options, ...args], {
      env: { ...run.env, ...(leased === undefined ? {} : leaseEnv(leased, run.fitsEnvironment)) },
      ...(profile.prompt === 'stdin' ? { input: prompt } : {}),
      keep: profile.keep,
    });
  const [first = [], ...others] = attempts?.options ?? [];
  let result = await perform(first);
  for (const options of others) {
    if (attempts?.callsForNext(result) !== true) break;
    result = await perform(options);
  }
  const answer = readAnswer(result.stdout, profile.answer);
  return {
    returncode: result.returncode === 0 && answer.failed ? 1 : result.returncode,
    stdout: cutText(answer.text, MAX_STDOUT),
    stderr: cutText(result.stderr, MAX_STDERR),
  };
}
