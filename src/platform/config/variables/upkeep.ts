import { type Variable } from './variable.js';

export const upkeepVariables = {
  SKYNET_BACKUP_DIR: {
    group: 'gateway',
    about:
      'Folder into which the gateway writes what it has in the database once a day. Unset: there are no backups.',
  },
  SKYNET_BACKUP_KEEP: {
    group: 'gateway',
    about: 'How many of these backups stay; older ones are removed.',
    default: '7',
  },
  SKYNET_MEMORY_DIR: {
    group: 'gateway',
    about:
      'Folder in which the gateway keeps what it remembers of people as files, one each, for programs to read. Unset: there are none.',
  },
} as const satisfies Record<string, Variable>;
