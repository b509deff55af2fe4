import { describe, expect, it } from '@jest/globals';
import { refusalOfCommand, refusalOfInlineCode } from './command-rules.js';

const rules = { allowed: new Set(['sh', 'node']), denyInlineEval: false };

describe('a command', () => {
  it.each(['sh', 'node'])('%s that is listed may run', (command) => {
    expect(refusalOfCommand(command, ['-c', 'x'], rules)).toBeUndefined();
  });

  it.each(['rm', '/bin/sh', './sh', 'sh ', ' sh', 'SH', '', '__proto__', 'sh\0'])(
    '%j that is not listed exactly may not',
    (command) => expect(refusalOfCommand(command, [], rules)).toBe(`command not allowed: ${command}`),
  );
});

describe('code on the command line', () => {
  it.each([
    ['bash', ['-c', 'x']],
    ['bash', ['-lc', 'x']],
    ['bash', ['-xec', 'x']],
    ['sh', ['-o', 'errexit', '-c', 'x']],
    ['/bin/dash', ['-c', 'x']],
    ['node', ['-e', 'x']],
    ['node', ['--eval', 'x']],
    ['node', ['--eval=x']],
    ['node', ['-p', 'x']],
    ['node', ['-pe', 'x']],
    ['node', ['--print', 'x']],
    ['node', ['--import=data:text/javascript,x']],
    ['node', ['--import', 'data:text/javascript,x']],
    ['deno', ['eval', 'x']],
    ['python3', ['-c', 'x']],
    ['python3.12', ['-Icprint()']],
    ['perl', ['-ne', 'x']],
    ['perl', ['-E', 'x']],
    ['ruby', ['-e', 'x']],
    ['php', ['-r', 'x']],
    ['npx', ['-c', 'x']],
    ['npm', ['exec', '--call=x']],
  ])('of %s %j is found', (command, args) => {
    expect(refusalOfInlineCode(command, args)).toMatch(`inline code is not allowed: ${command} `);
  });

  it.each([
    ['bash', ['script.sh', '--check', 'x']],
    ['node', ['script.js', '--port', '1']],
    ['node', ['--import', './hook.js', 'script.js']],
    ['python3', ['-m', 'http.server']],
    ['npm', ['run', 'build']],
    ['openclaw', ['-c', 'x']],
    ['grep', ['-e', 'x']],
  ])('is not seen in %s %j', (command, args) => {
    expect(refusalOfInlineCode(command, args)).toBeUndefined();
  });

  it('is not repeated in the refusal', () => {
    expect(refusalOfInlineCode('node', ['--eval=process.exit()'])).toBe(
      'inline code is not allowed: node --eval',
    );
  });
});
