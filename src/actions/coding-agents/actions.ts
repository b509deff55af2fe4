import { TIMEOUT_SECONDS } from '../../contracts/actions.js';
import { type ActionResult } from '../../contracts/gateway-api.js';
import { type ActionContext, type MachineActions } from '../machine-action.js';
import { text, textParam, whole } from '../parameters.js';
import { done, failed } from '../results.js';
import { chooseClineProvider, clineSettings } from './cline-settings.js';
import { localFiles } from '../local-files.js';
import { agentNames, agentOf } from './profiles.js';
import { runCodingAgent } from './run-coding-agent.js';

const MAX_PROMPT = 1_048_576;
/** A variable of the environment may have 128 KiB with its name. */
const MAX_ENV_BYTES = 100_000;
/** How long a coding agent may take to tell its version. */
const VERSION_LIMIT_SECONDS = 20;

export const codingAgentActions: MachineActions = {
  run_coding_agent: {
    params: {
      agent: text({ required: true }),
      prompt: text({ required: true, maxCharacters: MAX_PROMPT }),
      working_dir: text(),
      timeout_seconds: whole(TIMEOUT_SECONDS.min, TIMEOUT_SECONDS.max),
    },
    holds: ['repository'],
    execute: runHere,
  },
  check_coding_agents: {
    params: {},
    repeatable: true,
    execute: async (context) => done((await Promise.all(agentNames.map(versionOf(context)))).join('\n')),
  },
  configure_coding_agent: {
    params: {
      agent: text({ required: true }),
      provider: text({
        required: true,
        only: { pattern: /^[A-Za-z0-9][A-Za-z0-9._-]*$/, words: "letters, digits, '.', '_' and '-'" },
      }),
      model: text(),
      base_url: text(),
      api_key: text(),
    },
    refusalOf: (params) => {
      const url = textParam(params, 'base_url');
      const isWeb = url === '' || (URL.canParse(url) && /^https?:$/.test(new URL(url).protocol));
      return isWeb ? null : "Parameter 'base_url' must be an http(s) URL.";
    },
    execute: configureCodingAgent,
  },
};

const versionOf =
  ({ run, config, agentEnv: env }: ActionContext) =>
  async (name: (typeof agentNames)[number]): Promise<string> => {
    const options = { env, limitSeconds: VERSION_LIMIT_SECONDS };
    const { returncode, stdout, stderr } = await run(config.agentBins[name], ['--version'], options);
    const [line = ''] = (returncode === 0 ? stdout : stderr).trim().split('\n');
    return `${name}: ${returncode === 0 ? line || 'installed' : `not available (${line})`}`;
  };

async function runHere(context: ActionContext): Promise<ActionResult> {
  const { params, config, run } = context;
  const asked = agentOf(textParam(params, 'agent'));
  if (!asked.ok) return failed(asked.error);
  return runCodingAgent({
    ...{ agent: asked.agent, program: config.agentBins[asked.agent] },
    ...{ prompt: textParam(params, 'prompt'), folder: context.cwd, leased: context.files },
    ...{ policy: config.leaseViolationPolicy, written: context.written, env: context.agentEnv },
    ...{ signal: context.signal, limitSeconds: context.limitSeconds },
    machine: { run, files: localFiles },
    fitsEnvironment: (text) => Buffer.byteLength(text) <= MAX_ENV_BYTES,
  });
}

async function configureCodingAgent({ params, env }: ActionContext): Promise<ActionResult> {
  const choice = clineSettings.choiceOf(params);
  if (!choice.ok) return failed(choice.error);
  const home = env['HOME'];
  if (home === undefined)
    return failed('HOME is not set, so it is not known where Cline keeps its settings.');
  const path = await chooseClineProvider(home, choice.value, new Date());
  return done(clineSettings.said(choice.value, path));
}
