import { type Variable } from './variable.js';

export const openclawVariables = {
  SKYNET_SECRETS_KEY: {
    group: 'scheduler',
    about:
      'Key of 32 bytes in hex or base64 that seals credentials of gateways in the database. Unset: none can be stored.',
    secret: true,
  },
  SKYNET_SECRETS_DIR: {
    group: 'scheduler',
    about: 'Folder whose files a gateway may be registered with as its credential_file. Unset: none.',
  },
  SKYNET_OPENCLAW_ALLOW_FULL: {
    group: 'scheduler',
    about: '1 lets tasks ask for permission_mode full: shell commands run unasked, as the gateway’s user.',
    default: '0',
  },
  SKYNET_OPENCLAW_APPROVALS: {
    group: 'scheduler',
    about:
      '0 relays no approvals: a guarded turn’s shell commands are denied at once, and turns do not ask for operator.admin.',
    default: '1',
  },
  SKYNET_OPENCLAW_HTTP_TURNS: {
    group: 'scheduler',
    about:
      '1 lets turns go over HTTP where no WebSocket can be opened: the gateway’s own settings then decide what runs unasked.',
    default: '0',
  },
  SKYNET_OPENCLAW_STARTING_SECS: {
    group: 'scheduler',
    about: 'Seconds that a gateway may take to come up before it counts as offline.',
    default: '120',
  },
  SKYNET_OPENCLAW_RESUME_SECS: {
    group: 'scheduler',
    about:
      'Seconds that a restarted gateway may take to resume an interrupted turn before the turn is given up.',
    default: '30',
  },
} as const satisfies Record<string, Variable>;
