import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ActionResult } from '../../contracts/gateway-api.js';
import { cutText } from '../cut-text.js';
import { leaseEnv, leaseText } from '../lease/lease-text.js';
import { LeaseWatch } from '../lease/lease-watch.js';
import { runUnwatched } from '../lease/unwatched.js';
import { type ActionContext } from '../machine-action.js';
import { textParam } from '../parameters.js';
import { failed, MAX_STDERR, MAX_STDOUT } from '../results.js';
import { agentNames, type AgentProfile, agentProfiles, isAgentName, type Placeholder } from './profiles.js';
import { readAnswer } from './read-answer.js';

/**
 * Runs a coding agent on a prompt, without a person. When the task has leased files, the agent is told which, and what it
 * writes is compared with them.
 */
export async function runCodingAgent(context: ActionContext): Promise<ActionResult> {
  const { params, files, config } = context;
  const name = textParam(params, 'agent');
  if (!isAgentName(name)) return failed(`Unknown agent: ${name} (known: ${agentNames.join(', ')})`);
  const bin = config.agentBins[name];
  const prompt = textParam(params, 'prompt');
  const scratch = await mkdtemp(join(tmpdir(), 'skynet-agent-'));
  try {
    if (files === undefined) return await runProfile(context, bin, agentProfiles[name], prompt, scratch);
    const told = `${prompt}\n\n${leaseText(files)}\n`;
    const run = () => runProfile(context, bin, agentProfiles[name], told, scratch);
    let watch: LeaseWatch;
    try {
      watch = await LeaseWatch.begin(context, files, scratch);
    } catch (error) {
      return await runUnwatched(run, error, config.leaseViolationPolicy);
    }
    return await watch.settle(await run());
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function runProfile(
  context: ActionContext,
  bin: string,
  profile: AgentProfile,
  prompt: string,
  scratch: string,
): Promise<ActionResult> {
  const promptFile = join(scratch, 'prompt.md');
  if (profile.prompt === 'file') await writeFile(promptFile, prompt, { mode: 0o600 });
  const placeholders: Readonly<Record<Placeholder, string>> = {
    '{prompt_file}': promptFile,
    '{run_id}': randomUUID(),
    '{timeout_seconds}': String(context.limitSeconds),
  };
  const args = profile.args.map((arg) => (arg in placeholders ? placeholders[arg as Placeholder] : arg));
  const result = await context.run(bin, args, {
    env: { ...context.agentEnv, ...(context.files === undefined ? {} : leaseEnv(context.files)) },
    ...(profile.prompt === 'stdin' ? { input: prompt } : {}),
    keep: profile.keep,
  });
  const answer = readAnswer(result.stdout, profile.answer);
  return {
    returncode: result.returncode === 0 && answer.failed ? 1 : result.returncode,
    stdout: cutText(answer.text, MAX_STDOUT),
    stderr: cutText(result.stderr, MAX_STDERR),
  };
}
