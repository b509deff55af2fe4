import { expect, it } from '@jest/globals';
import { type Executor } from '../../src/gateway/executors/executor.js';
import { Executors, type ExecutorsOptions } from '../../src/gateway/executors/executors.js';

const executor = (id: string, ready = true): Executor => ({
  name: id,
  id,
  isReady: () => ready,
  sessions: () => [],
  isRepeatable: () => false,
  refusalOf: () => Promise.resolve(null),
  run: () => Promise.resolve({ kind: 'halted' }),
});
const agents = (connected: Executor | undefined) => ({ connected, heedStop: () => undefined });
const local = executor('local');
const [agent, ssh] = [executor('agent'), executor('ssh')];

it.each<[string, ExecutorsOptions, string | undefined, boolean]>([
  ['everybody is there', { agents: agents(agent), ssh, local }, 'agent', true],
  ['no agent is connected', { agents: agents(undefined), ssh, local }, 'ssh', true],
  ['SSH does not work', { agents: agents(undefined), ssh: executor('ssh', false), local }, 'local', true],
  ['there is only this machine', { local }, 'local', true],
  ['there is only SSH', { ssh, local: executor('local', false) }, 'ssh', false],
  ['SSH is forced', { agents: agents(agent), ssh, sshOnly: true, local }, 'ssh', false],
  ['SSH is forced and not there', { agents: agents(agent), sshOnly: true, local }, undefined, false],
  ['nobody is there', { local: executor('local', false) }, undefined, false],
])('when %s', (_when, options, chosen, hasAgent) => {
  const executors = new Executors(options);
  expect(executors.choose()?.id).toBe(chosen);
  expect(executors.hasAgent).toBe(hasAgent);
  expect(executors.withId('agent')?.id).toBe(chosen === 'agent' ? 'agent' : undefined);
});
