import { type MachineAction, type MachineActions } from '../machine-action.js';
import { flag, flagParam, text, textParam } from '../parameters.js';

const workingDir = { working_dir: text({ required: true }) };

/** What GitHub takes as the description of a repository. */
const MAX_DESCRIPTION = 350;

const git = (...args: string[]): MachineAction => ({
  params: workingDir,
  execute: ({ run }) => run('git', args),
});

export const gitActions: MachineActions = {
  git_status: { ...git('status', '--porcelain'), repeatable: true },
  git_init: git('init', '--initial-branch', 'main'),
  git_add_all: git('add', '--all'),
  git_commit: {
    params: { ...workingDir, message: text({ required: true }) },
    execute: async ({ run, params }) => {
      const added = await run('git', ['add', '-u']);
      if (added.returncode !== 0) return added;
      // By standard input: an argument has a limit that a message may exceed.
      return run('git', ['commit', '--file=-'], { input: textParam(params, 'message') });
    },
  },
  git_push: {
    params: { ...workingDir, remote: text(), branch: text() },
    execute: ({ run, params }) =>
      run('git', ['push', '--', textParam(params, 'remote', 'origin'), textParam(params, 'branch', 'main')]),
  },
  gh_create_repo: {
    params: {
      ...workingDir,
      repo_name: text({
        required: true,
        only: { pattern: /^[A-Za-z0-9._-]+$/, words: "letters, digits, '.', '_' and '-'" },
      }),
      description: text({ maxCharacters: MAX_DESCRIPTION }),
      private: flag(),
    },
    execute: ({ run, params }) =>
      run('gh', [
        'repo',
        'create',
        textParam(params, 'repo_name'),
        flagParam(params, 'private') ? '--private' : '--public',
        '--source=.',
        '--remote=origin',
        `--description=${textParam(params, 'description')}`,
      ]),
  },
};
