import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { actionRules, openclawActions } from '../../src/contracts/actions.js';
import { Program } from '../support/program.js';

const page = readFileSync('docs/features.md', 'utf8');
const rows = page
  .split('\n')
  .filter((line) => line.startsWith('| ') && !/^\| (?:feature|-)/.test(line))
  .map((line) => line.split('|').slice(1, -1));
/** What stands between backticks. */
const quoted = (text: string) => [...text.matchAll(/`([^`]+)`/g)].map(([, found = '']) => found);

describe('docs/features.md', () => {
  it('says of each feature where it is and what proves it, and all of that is there', () => {
    expect(rows.length).toBeGreaterThan(150);
    for (const cells of rows) {
      const [feature = '', places = '', tests = ''] = cells;
      expect(cells).toHaveLength(3);
      expect(feature.trim()).not.toBe('');
      expect([feature, quoted(places).length > 0, quoted(tests).length > 0]).toEqual([feature, true, true]);
      expect(quoted(tests).filter((path) => !path.endsWith('.test.ts'))).toEqual([]);
      const missing = [...quoted(places), ...quoted(tests)].filter((path) => !existsSync(path));
      expect([feature, missing]).toEqual([feature, []]);
    }
  });

  it('has every route of the control plane', () => {
    const { paths } = parse(readFileSync('openapi.yaml', 'utf8')) as { paths: Record<string, object> };
    const routes = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(routes.length).toBeGreaterThan(100);
    expect(withoutMention(routes)).toEqual([]);
  });

  it('has every route of the gateway', () => {
    const controllers = readdirSync('src/gateway', { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.controller.ts'))
      .map((file) => readFileSync(join('src/gateway', file), 'utf8'));
    const routes = controllers.flatMap((text) => {
      const base = /@Controller\((?:'([^']*)')?\)/.exec(text)?.[1] ?? '';
      return [...text.matchAll(/@(Get|Post|Put|Patch|Delete)\((?:'([^']*)')?\)/g)].map(
        ([, method = '', path = '']) =>
          `${method.toUpperCase()} /${[base, path].filter((part) => part !== '').join('/')}`,
      );
    });
    expect(routes.length).toBeGreaterThan(20);
    expect(withoutMention(routes)).toEqual([]);
  });

  it('has every action', () => {
    expect(withoutMention([...Object.keys(actionRules), ...openclawActions])).toEqual([]);
  });

  it.each(['skynet', 'skyclaw'] as const)('has every command of %s', async (name) => {
    const program = Program.start(name, ['--help']);
    expect(await program.exit()).toBe(0);
    const names = [...program.stdout.matchAll(/^ {2,}(?:skyclaw )?([a-z][a-z-]+)\b.* {2,}\S/gm)].map(
      ([, command = '']) => command,
    );
    const commands = names.filter((command) => command !== 'help').map((command) => `${name} ${command}`);
    expect(commands.length).toBeGreaterThan(7);
    expect(withoutMention(commands)).toEqual([]);
  });

  function withoutMention(names: readonly string[]): string[] {
    const mentioned = new Set(rows.flatMap(([feature = '']) => quoted(feature)));
    return [...new Set(names)].filter((name) => !mentioned.has(name));
  }
});
