import { codingAgentActions } from './coding-agents/actions.js';
import { type MachineActions } from './machine-action.js';
import { buildActions } from './subjects/builds.js';
import { containerActions } from './subjects/containers.js';
import { desktopActions } from './subjects/desktop.js';
import { fileActions } from './subjects/files.js';
import { gitActions } from './subjects/git.js';
import { modelActions } from './subjects/models.js';
import { serverActions } from './subjects/servers.js';
import { webActions } from './subjects/web.js';
import { archiveActions } from './subjects/archive.js';

/** All that a machine can carry out, by name. */
export const machineActions: MachineActions = {
  ...fileActions,
  ...gitActions,
  ...buildActions,
  ...serverActions,
  ...webActions,
  ...modelActions,
  ...containerActions,
  ...desktopActions,
  ...archiveActions,
  ...codingAgentActions,
};
