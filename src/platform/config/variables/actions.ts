import { type Variable } from './variable.js';

export const actionsVariables = {
  SKYNET_WEB_SEARCH_URL: {
    group: 'actions',
    about:
      'The page that web_search asks, with the query as q; its results are marked up as DuckDuckGo marks them up.',
    default: 'https://html.duckduckgo.com/html/',
  },
  SKYNET_CODEX_BIN: {
    group: 'actions',
    about: 'What run_coding_agent starts as codex: a name in PATH, or a path.',
    default: 'codex',
  },
  SKYNET_CLAUDE_BIN: { group: 'actions', about: 'The same for claude.', default: 'claude' },
  SKYNET_CLINE_BIN: { group: 'actions', about: 'The same for cline.', default: 'cline' },
  SKYNET_OPENCLAW_BIN: { group: 'actions', about: 'The same for openclaw.', default: 'openclaw' },
  SKYNET_CODING_AGENT_ENV: {
    group: 'actions',
    about:
      'Names of environment variables that coding agents may see, such as OPENAI_API_KEY, separated by commas.',
  },
  SKYNET_LEASE_VIOLATION_POLICY: {
    group: 'actions',
    about: "What becomes of writes of a coding agent outside of its task's lease: report, fail or revert.",
    default: 'report',
  },
} as const satisfies Record<string, Variable>;
