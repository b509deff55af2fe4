import { expect, it } from '@jest/globals';
import { actionsConfig } from '../../src/actions/index.js';
import { Env } from '../../src/platform/config/env.js';

it('the settings of actions fall back to their defaults, and no secret of ours is handed to agents', () => {
  const env = new Env({
    SKYNET_WEB_SEARCH_URL: 'file:///etc/passwd',
    OLLAMA_BASE_URL: 'nonsense',
    SKYNET_LEASE_VIOLATION_POLICY: 'REVERT',
    SKYNET_CODING_AGENT_ENV:
      'OPENAI_API_KEY, SKYNET_API_KEY, DATABASE_URL, TELEGRAM_BOT_TOKEN, a b, CODEX_HOME',
    SKYNET_CLINE_BIN: '/opt/cline',
  });
  expect(actionsConfig(env)).toEqual({
    webSearchUrl: 'https://html.duckduckgo.com/html/',
    ollamaUrl: 'http://127.0.0.1:11434',
    agentBins: { codex: 'codex', claude: 'claude', cline: '/opt/cline', openclaw: 'openclaw' },
    agentEnv: ['OPENAI_API_KEY', 'CODEX_HOME'],
    leaseViolationPolicy: 'revert',
  });
  expect(env.warnings).toHaveLength(3);
  expect(actionsConfig(new Env({ SKYNET_LEASE_VIOLATION_POLICY: 'delete' })).leaseViolationPolicy).toBe(
    'report',
  );
});
