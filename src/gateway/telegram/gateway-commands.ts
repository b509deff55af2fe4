import { type ActionRequest, type GatewayStatus } from '../../contracts/gateway-api.js';
import { type ActionsService } from '../actions/actions.service.js';
import { type Executors } from '../executors/executors.js';
import { type SkillLibrary } from '../skills/index.js';
import { type Command, type Question } from './command.js';
import { agentStatusText } from './domain/agent-status.js';
import { words } from './domain/command-line.js';

const MOST_SKILLS = 50;

export interface GatewayCommandsOptions {
  readonly actions: ActionsService;
  readonly executors: Executors;
  readonly skills: SkillLibrary;
  /** The answer of `GET /status`. */
  readonly status: () => GatewayStatus | Promise<GatewayStatus>;
}

/** The commands of actions, executors and skills. */
export function gatewayCommands({
  actions,
  executors,
  skills,
  status,
}: GatewayCommandsOptions): readonly Command[] {
  const run = async (action: string, params: ActionRequest['params'], confirmed = false): Promise<string> => {
    const { body } = await actions.handle({ action, params, confirmed });
    if (!('result' in body)) return body.error ?? 'Nothing came out.';
    const { returncode, stdout, stderr } = body.result;
    return [`${action}: returncode ${returncode}`, stdout.trim(), stderr.trim()].filter(Boolean).join('\n\n');
  };
  /** An action in a folder, with one word that says how. */
  const inFolder = (name: string, action: string, how?: string): Command => ({
    name,
    about: `<folder>${how === undefined ? '' : ` [${how}]`}: ${action}`,
    run: (args) => {
      const [folder = '', option = ''] = words(args, 2);
      if (folder === '') return Promise.resolve(`Which folder? /${name} <folder>`);
      return run(action, {
        working_dir: folder,
        ...(how !== undefined && option !== '' ? { [how]: option } : {}),
      });
    },
  });
  const runAgent = (args: string): string | Question => {
    const [agent = '', folder = '', prompt = ''] = words(args, 2);
    if (prompt === '') return 'What should it do? /run_agent <agent> <folder> <prompt>';
    return {
      question: `Run ${agent} in ${folder}?\n\n${prompt}`,
      approve: () => run('run_coding_agent', { agent, working_dir: folder, prompt }, true),
    };
  };
  return [
    {
      name: 'agent_status',
      about: 'who executes actions',
      run: async () => {
        try {
          return agentStatusText(await status());
        } catch (error) {
          return `Gateway unreachable: ${error instanceof Error ? error.message : String(error)}`;
        }
      },
    },
    {
      name: 'agents',
      about: 'the executors that are there, and what they can do',
      run: () => {
        const sessions = executors.present.flatMap((executor) => executor.sessions());
        const lines = sessions.map(
          (each) => `${each.sessionId} ${each.agentVersion}: ${each.capabilities.join(', ')}`,
        );
        return Promise.resolve(lines.join('\n') || 'Nobody is there.');
      },
    },
    {
      name: 'skills',
      about: 'the skills that prompts can draw on',
      run: () => {
        const lines = skills.all
          .slice(0, MOST_SKILLS)
          .map(({ name, description }) => `${name}: ${description}`);
        const more = skills.all.length - lines.length;
        return Promise.resolve(
          [...lines, ...(more > 0 ? [`… and ${more} more`] : [])].join('\n') || 'There are none.',
        );
      },
    },
    inFolder('git_status', 'git_status'),
    inFolder('run_tests', 'run_tests', 'runner'),
    inFolder('lint', 'lint_project', 'linter'),
    inFolder('build', 'build_project', 'build_tool'),
    {
      name: 'run_agent',
      about: '<agent> <folder> <prompt>: has a coding agent work, if you agree',
      run: (args) => Promise.resolve(runAgent(args)),
    },
    {
      name: 'emergency_stop',
      about: 'kills what runs, and refuses all actions until /resume',
      isUrgent: true,
      run: async () => ((await actions.stop()) ? 'emergency_stop_sent' : 'No agent connected.'),
    },
    {
      name: 'resume',
      about: 'takes actions again',
      run: async () => ((await actions.resume()) ? 'resume_sent' : 'No agent connected.'),
    },
  ];
}
