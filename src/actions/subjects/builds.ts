import { delimiter, join } from 'node:path';
import { type ActionContext, type MachineAction, type MachineActions } from '../machine-action.js';
import { text, textParam } from '../parameters.js';
import { failed } from '../results.js';

interface Command {
  readonly program: string;
  readonly args: readonly string[];
}

const command = (program: string, ...args: string[]): Command => ({ program, args });

/** An action that runs one of several tools in the working directory: which one, a parameter says. */
function oneOf(key: string, word: string, tools: Readonly<Record<string, Command>>): MachineAction {
  const [usual = ''] = Object.keys(tools);
  return {
    params: { working_dir: text({ required: true }), [key]: text() },
    execute: async (context) => {
      const name = textParam(context.params, key, usual);
      const tool = Object.hasOwn(tools, name) ? tools[name] : undefined;
      if (tool === undefined) return failed(`Unknown ${word}: ${name}`);
      return context.run(tool.program, tool.args, { env: withProjectTools(context) });
    },
  };
}

/** The tools that a project has installed for itself come before those of the machine. */
function withProjectTools({ cwd, env }: ActionContext): Record<string, string> {
  return { PATH: [join(cwd, 'node_modules', '.bin'), env['PATH']].filter(Boolean).join(delimiter) };
}

export const buildActions: MachineActions = {
  run_tests: oneOf('runner', 'runner', {
    pytest: command('python3', '-m', 'pytest'),
    npm: command('npm', 'test'),
    node: command(process.execPath, '--test'),
  }),
  lint_project: {
    ...oneOf('linter', 'linter', { ruff: command('ruff', 'check', '.'), eslint: command('eslint', '.') }),
    repeatable: true,
  },
  build_project: oneOf('build_tool', 'build tool', {
    npm: command('npm', 'run', 'build'),
    python: command('python3', '-m', 'build'),
  }),
  install_dependencies: oneOf('manager', 'manager', {
    pip: command('python3', '-m', 'pip', 'install', '-r', 'requirements.txt'),
    npm: command('npm', 'install'),
  }),
};
