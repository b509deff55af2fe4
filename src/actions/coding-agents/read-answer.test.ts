import { expect, it } from '@jest/globals';
import { agentProfiles } from './profiles.js';
import { readAnswer } from './read-answer.js';

it.each([
  ['codex', 'Done.\n', 'Done.\n', false],
  ['claude', '{"type":"result","is_error":false,"result":"Done."}', 'Done.', false],
  ['claude', '{"type":"result","is_error":true,"result":"No."}', 'No.', true],
  ['claude', 'Invalid API key', 'Invalid API key', false],
  ['claude', '{"type":"result"}', '{"type":"result"}', false],
  ['claude', '[1]', '[1]', false],
  ['cline', 'ut\n{"type":"a","text":"x"}\n{"type":"run_result","text":"Done."}\n\nbye\n', 'Done.', false],
  ['cline', '{"type":"a","text":"x"}', '{"type":"a","text":"x"}', false],
  ['openclaw', '{"payloads":[{"text":"One."},{"image":1},{"text":"Two."}],"meta":{}}', 'One.\nTwo.', false],
  ['openclaw', '{"result":{"payloads":[{"text":"One."}]}}', 'One.', false],
  ['openclaw', '', '', false],
] as const)('of %s, %j says %j', (agent, printed, text, failed) => {
  expect(readAnswer(printed, agentProfiles[agent].answer)).toEqual({ text, failed });
});
