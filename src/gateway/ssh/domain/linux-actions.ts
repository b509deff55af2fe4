import { oneOf, type Planner, sharedPlanners } from './remote-actions.js';

/** What a linux host runs for each action. */
export const linuxPlanners: Readonly<Record<string, Planner>> = {
  ...sharedPlanners,
  run_tests: oneOf('runner', 'pytest', 'runner', {
    pytest: ['python3', '-m', 'pytest'],
    npm: ['npm', 'test'],
    node: ['node', '--test'],
  }),
  lint_project: oneOf('linter', 'ruff', 'linter', {
    ruff: ['ruff', 'check', '.'],
    eslint: ['npx', '--no-install', 'eslint', '.'],
  }),
  build_project: oneOf('build_tool', 'npm', 'build tool', {
    npm: ['npm', 'run', 'build'],
    python: ['python3', '-m', 'build'],
  }),
  install_dependencies: oneOf('manager', 'pip', 'manager', {
    pip: ['python3', '-m', 'pip', 'install', '--requirement', 'requirements.txt'],
    npm: ['npm', 'install'],
  }),
  close_app: oneOf('app', '', 'app', {
    chrome: ['pkill', '-x', 'chrome'],
    chromium: ['pkill', '-x', 'chromium'],
    firefox: ['pkill', '-x', 'firefox'],
    vscode: ['pkill', '-x', 'code'],
  }),
};
