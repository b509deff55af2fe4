import { describe, expect, it } from '@jest/globals';
import { type GatewayStatus } from '../../../contracts/gateway-api.js';
import { OpenQuestions } from '../open-questions.js';
import { agentStatusText } from './agent-status.js';
import { parseCommandLine, words } from './command-line.js';

const status = (more: Partial<GatewayStatus>): GatewayStatus => ({
  agent_connected: false,
  ssh_fallback_enabled: false,
  ssh_fallback_healthy: false,
  ssh_fallback_target: null,
  execution_mode: 'agent_preferred',
  ...more,
});
const ssh = { ssh_fallback_enabled: true, ssh_fallback_target: 'me@box:22' };
const forced = { ...ssh, execution_mode: 'ssh_tunnel' } as const;

it.each([
  [{ agent_connected: true }, 'Execution: Worker Connected'],
  [{ ...ssh, agent_connected: true }, 'Execution: Worker Connected'],
  [{}, 'Execution: No worker and no SSH fallback'],
  [{ ...ssh, ssh_fallback_healthy: true }, 'Execution: SSH Tunnel Ready\nTarget: me@box:22'],
  [ssh, 'Execution: SSH Tunnel Configured (unreachable)\nTarget: me@box:22'],
  [
    { ...forced, agent_connected: true, ssh_fallback_healthy: true },
    'Execution: SSH Tunnel Ready\nMode: ssh_tunnel (forced)\nTarget: me@box:22',
  ],
  [forced, 'Execution: SSH Tunnel Configured (unreachable)\nMode: ssh_tunnel (forced)\nTarget: me@box:22'],
])('the status %j reads %j', (more, text) => {
  expect(agentStatusText(status(more))).toBe(text);
});

describe('a message', () => {
  it.each([
    ['/Status', { name: 'status', args: '' }],
    [' /idea@some_bot  a\nb ', { name: 'idea', args: 'a\nb' }],
    ['hello /status', null],
    ['/', null],
    ['/x-y', null],
  ])('%j is read as a command', (text, line) => {
    expect(parseCommandLine(text)).toEqual(line);
  });

  it('is taken apart into words and a rest', () => {
    expect(words(' a  b  c  d ', 2)).toEqual(['a', 'b', 'c  d']);
    expect(words('a', 2)).toEqual(['a', '']);
    expect(words('', 2)).toEqual(['']);
  });
});

describe('a question', () => {
  const question = (text: string) => ({ question: text, approve: () => Promise.resolve(text) });

  it('is open for 30 minutes, and for one answer', () => {
    let now = 0;
    const open = new OpenQuestions(() => now);
    const [first, second] = [open.add(question('a')), open.add(question('b'))];
    now = 30 * 60_000 - 1;
    expect(open.take(first)?.question).toBe('a');
    expect(open.take(first)).toBeUndefined();
    now++;
    expect(open.take(second)).toBeUndefined();
    expect(open.take('nothing')).toBeUndefined();
  });

  it('gives way when a hundred others are open', () => {
    const open = new OpenQuestions(() => 0);
    const ids = Array.from({ length: 101 }, (_, index) => open.add(question(String(index))));
    expect(open.take(ids[0] ?? '')).toBeUndefined();
    expect(open.take(ids[1] ?? '')?.question).toBe('1');
  });
});
