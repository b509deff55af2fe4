import {
  type AgentName,
  agentOf,
  type LeaseViolationPolicy,
  type Params,
  type Run,
  runCodingAgent,
  textParam,
  type WrittenPaths,
} from '../../../actions/index.js';
import { type ActionResult, type LeasedFile } from '../../../contracts/gateway-api.js';
import { isProviderRefusal } from '../domain/cline-switch.js';
import { type PathFlavour } from '../domain/remote-path.js';
import { type SshTarget } from '../ssh.config.js';
import { clineOptions } from './cline-providers.js';
import { machineFiles } from './machine-files.js';
import { type RemoteFiles } from './remote-files.js';
import { failure } from './run-command.js';
import { type Limits } from './time-limit.js';

/** Asks each coding agent for its version, one after the other: a line each says whether it is there. */
export async function checkCodingAgents(
  agents: Readonly<Record<AgentName, string>>,
  perform: (commands: readonly (readonly string[])[]) => Promise<ActionResult>,
): Promise<ActionResult> {
  const lines: string[] = [];
  for (const [name, program] of Object.entries(agents)) {
    const { returncode, stdout } = await perform([[program, '--version']]);
    if (returncode === -1) return { returncode, stdout: lines.join('\n'), stderr: `${name} did not answer.` };
    const version = stdout.trim().split('\n', 1)[0] ?? '';
    lines.push(`${name}: ${returncode === 0 ? `available ${version}`.trim() : 'not available'}`);
  }
  return { returncode: 0, stdout: lines.join('\n'), stderr: '' };
}

/** What a coding agent works with on the host. */
export interface RemoteAgentRun {
  readonly target: SshTarget;
  readonly params: Params;
  readonly leased: readonly LeasedFile[] | undefined;
  readonly policy: LeaseViolationPolicy;
  readonly written: WrittenPaths;
  readonly folder: string;
  /** The folder of the user. */
  readonly home: string;
  readonly flavour: PathFlavour;
  readonly files: RemoteFiles;
  readonly run: Run;
  readonly fitsEnvironment: (text: string) => boolean;
  readonly limits: Limits;
}

/** Runs a coding agent on the host, by the profile that it has everywhere. */
export async function runRemoteAgent(at: RemoteAgentRun): Promise<ActionResult> {
  const { target, params, files, flavour, home, limits } = at;
  const asked = agentOf(textParam(params, 'agent'));
  if (!asked.ok) return failure(asked.error);
  const options =
    asked.agent === 'cline'
      ? await clineOptions({ providers: target.clineProviders, files, flavour, home })
      : [];
  return runCodingAgent({
    ...{ agent: asked.agent, program: target.agents[asked.agent], prompt: textParam(params, 'prompt') },
    ...{ folder: at.folder, leased: at.leased, policy: at.policy, written: at.written },
    ...{ signal: limits.halt, limitSeconds: limits.limitSeconds, fitsEnvironment: at.fitsEnvironment },
    machine: { run: at.run, files: machineFiles(files, flavour, scratchIn(at)) },
    attempts: { options, callsForNext: isProviderRefusal },
    ...(target.os === 'windows' ? { unseen: 'the agent runs on a Windows host behind SSH' } : {}),
  });
}

/** The folder of the host for files that are needed for a short time. */
function scratchIn({ target, home, flavour }: RemoteAgentRun): string {
  return target.os === 'windows' ? ['AppData', 'Local', 'Temp'].reduce(flavour.join, home) : '/tmp';
}
