import { type Variable } from './variable.js';

export const sshVariables = {
  OPENCLAW_EXECUTION_MODE: {
    group: 'gateway',
    about:
      'ssh, ssh_tunnel, tunnel or ssh-only: actions go through SSH and nowhere else. agent_preferred: SSH is for when no agent is connected.',
    default: 'agent_preferred',
  },
  OPENCLAW_SSH_FALLBACK_ENABLED: {
    group: 'gateway',
    about: '1 sends actions through SSH when no agent is connected; needs OPENCLAW_SSH_USER.',
    default: '0',
  },
  OPENCLAW_SSH_HOST: {
    group: 'gateway',
    about: 'The host that executes actions over SSH.',
    default: '127.0.0.1',
  },
  OPENCLAW_SSH_PORT: { group: 'gateway', about: 'The port of its SSH server.', default: '2222' },
  OPENCLAW_SSH_USER: { group: 'gateway', about: 'The user there. Unset: SSH is not configured.' },
  OPENCLAW_SSH_PRIVATE_KEY_B64: {
    group: 'gateway',
    about: 'A private key without a passphrase, in base64; it is kept in memory only.',
    secret: true,
  },
  OPENCLAW_SSH_KEY_PATH: {
    group: 'gateway',
    about: 'A file with such a key, instead of OPENCLAW_SSH_PRIVATE_KEY_B64.',
  },
  OPENCLAW_SSH_PASSWORD: {
    group: 'gateway',
    about: "The user's password, if keys are not taken.",
    secret: true,
  },
  OPENCLAW_SSH_HOST_KEY: {
    group: 'gateway',
    about:
      'The key of the host: "type base64", base64 alone, or its SHA256 fingerprint; several separated by commas. Nothing else counts then.',
  },
  OPENCLAW_SSH_KNOWN_HOSTS: {
    group: 'gateway',
    about: 'A known_hosts file; ~ is the home of the user that runs the gateway.',
    default: '~/.ssh/known_hosts',
  },
  OPENCLAW_SSH_STRICT_HOST_KEY: {
    group: 'gateway',
    about: '1 refuses a host of which nothing is known, instead of trusting it on first use.',
    default: '0',
  },
  OPENCLAW_SSH_REMOTE_OS: {
    group: 'gateway',
    about: 'The system of the host: windows or linux.',
    default: 'windows',
  },
  OPENCLAW_SSH_ALLOWED_ROOTS: {
    group: 'gateway',
    about:
      'Folders there that actions may touch, separated by ; or ,. Unset: on windows %USERPROFILE%\\Projects;%USERPROFILE%\\Documents, on linux /home;/tmp.',
  },
  OPENCLAW_SSH_CONNECT_TIMEOUT: {
    group: 'gateway',
    about: 'Seconds for a connection to be made.',
    default: '4',
  },
  OPENCLAW_SSH_COMMAND_TIMEOUT: {
    group: 'gateway',
    about:
      'Seconds after which a command there is ended at the latest, unless its action has a longer limit of its own.',
    default: '180',
  },
  OPENCLAW_SSH_HEALTH_CACHE_SECONDS: {
    group: 'gateway',
    about: 'Seconds between two looks at whether SSH works; GET /status tells the latest.',
    default: '15',
  },
  OPENCLAW_SSH_CODEX_BIN: { group: 'gateway', about: 'How codex is called there.', default: 'codex' },
  OPENCLAW_SSH_CLAUDE_BIN: { group: 'gateway', about: 'How claude is called there.', default: 'claude' },
  OPENCLAW_CLINE_AUTO_SWITCH: {
    group: 'gateway',
    about:
      '0 runs cline over SSH as it is configured there, and with no other provider when that one refuses.',
    default: '1',
  },
  OPENCLAW_CLINE_PROVIDER_PRIORITY: {
    group: 'gateway',
    about:
      'The order in which cline is tried with the providers that have a folder ~/.cline-<provider> there.',
    default: 'gemini,deepseek,groq,openrouter',
  },
  OPENCLAW_SSH_CLINE_BIN: { group: 'gateway', about: 'How cline is called there.', default: 'cline' },
  OPENCLAW_SSH_OPENCLAW_BIN: {
    group: 'gateway',
    about: 'How openclaw is called there.',
    default: 'openclaw',
  },
} as const satisfies Record<string, Variable>;
