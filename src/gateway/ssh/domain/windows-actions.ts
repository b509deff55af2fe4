import { textParam } from '../../../actions/index.js';
import { oneOf, type Planner, planRepository, sharedPlanners } from './remote-actions.js';

const closing = (image: string) => ['taskkill.exe', '/IM', image];

/** What a Windows host runs for each action. */
export const windowsPlanners: Readonly<Record<string, Planner>> = {
  ...sharedPlanners,
  gh_create_repo: (context) =>
    textParam(context.params, 'description').includes('"')
      ? { failure: "Parameter 'description' cannot hold double quotes on a Windows host." }
      : planRepository(context),
  run_tests: oneOf('runner', 'pytest', 'runner', {
    pytest: ['python', '-m', 'pytest'],
    npm: ['npm', 'test'],
    node: ['node', '--test'],
  }),
  lint_project: oneOf('linter', 'ruff', 'linter', {
    ruff: ['ruff', 'check', '.'],
    eslint: ['npx', '--no-install', 'eslint', '.'],
  }),
  build_project: oneOf('build_tool', 'npm', 'build tool', {
    npm: ['npm', 'run', 'build'],
    python: ['python', '-m', 'build'],
  }),
  install_dependencies: oneOf('manager', 'pip', 'manager', {
    pip: ['python', '-m', 'pip', 'install', '--requirement', 'requirements.txt'],
    npm: ['npm', 'install'],
  }),
  close_app: oneOf('app', '', 'app', {
    chrome: closing('chrome.exe'),
    edge: closing('msedge.exe'),
    firefox: closing('firefox.exe'),
    notepad: closing('notepad.exe'),
    vscode: closing('Code.exe'),
  }),
};
