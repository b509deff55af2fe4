import { userInfo } from 'node:os';
import { type MachineActions } from '../machine-action.js';
import { text, textParam } from '../parameters.js';
import { failed } from '../results.js';

/** The programs that may be closed, by the name that a request calls them by, and the name of their process. */
const APPS: Readonly<Record<string, string>> = {
  chrome: 'chrome',
  chromium: 'chromium',
  discord: 'Discord',
  edge: 'msedge',
  firefox: 'firefox',
  slack: 'slack',
  spotify: 'spotify',
  teams: 'teams',
  vscode: 'code',
};

export const desktopActions: MachineActions = {
  open_in_vscode: {
    params: { path: text({ required: true }) },
    execute: ({ run, path }) => run('code', [path('path')]),
  },
  close_app: {
    params: { app: text({ required: true }) },
    execute: async ({ run, params }) => {
      const app = textParam(params, 'app').toLowerCase();
      const name = Object.hasOwn(APPS, app) ? APPS[app] : undefined;
      if (name === undefined) {
        return failed(`App '${app}' may not be closed; these may: ${Object.keys(APPS).join(', ')}.`);
      }
      // Asked to end, and only those of this user.
      const closed = await run('pkill', ['-TERM', '-x', '-U', String(userInfo().uid), name]);
      return closed.returncode === 1 ? failed(`App '${app}' is not running.`) : closed;
    },
  },
};
