import { type MachineActions } from '../machine-action.js';
import { text, textParam } from '../parameters.js';

const params = { working_dir: text({ required: true }), tag: text() };

export const containerActions: MachineActions = {
  docker_build: {
    params,
    execute: ({ run, params }) =>
      run('docker', ['build', '--tag', textParam(params, 'tag', 'chathan-build:latest'), '.']),
  },
  docker_compose_up: {
    params: { working_dir: params.working_dir },
    execute: ({ run }) => run('docker', ['compose', 'up', '--detach']),
  },
};
