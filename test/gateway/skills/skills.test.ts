import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { SkillLibrary, skillsConfig } from '../../../src/gateway/skills/index.js';
import { scanSkills, SCAN_LIMITS } from '../../../src/gateway/skills/skill-scan.js';
import { Env } from '../../../src/platform/config/env.js';
import { createLogger } from '../../../src/platform/logging/logger.js';
import { eventually } from '../../support/eventually.js';
import { GatewayFixture, post } from '../fixture.js';
import { RawHost } from './raw-host.js';

let root: string;
let raw: RawHost;
let libraries: SkillLibrary[] = [];
beforeEach(async () => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'skynet-skills-test-')));
  raw = await RawHost.start();
});
afterEach(async () => {
  await Promise.all(libraries.map((library) => library.close()));
  libraries = [];
  await raw.close();
  rmSync(root, { recursive: true, force: true });
});

const text = (name: string, body = `How to ${name}.`) => `---\nname: ${name}\n---\n${body}\n`;
function write(path: string, content: string | Buffer): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), content);
}

const FOLDERS = () => ({
  SKYNET_EXTERNAL_SKILLS_DIR: join(root, 'own'),
  SKYNET_EXTERNAL_SKILLS_CACHE_DIR: join(root, 'cache'),
});
const page = (path: string) => `https://github.com/o/r/tree/main/${path}`;

async function open(env: Record<string, string> = {}, timeoutMs?: number): Promise<SkillLibrary> {
  const settings = {
    ...FOLDERS(),
    SKYNET_SKILLS_RAW_BASE: raw.url,
    SKYNET_EXTERNAL_SKILLS_REFRESH_SECS: '0.1',
  };
  const config = skillsConfig(new Env({ ...settings, ...env }));
  const library = new SkillLibrary(config, createLogger('test', 'silent'), timeoutMs);
  libraries.push(library);
  await library.open();
  return library;
}

const names = (library: SkillLibrary) => library.all.map(({ name }) => name);
const has = (library: SkillLibrary, name: string) =>
  eventually(`${name} is there`, () => Promise.resolve(library.all.find((skill) => skill.name === name)));
/** Two looks have ended: what they do not show now they will not show. */
async function afterALook(path: string): Promise<void> {
  raw.asked = [];
  await eventually('it was asked for twice', () =>
    Promise.resolve(raw.asked.filter((asked) => asked === path).length > 2 ? true : undefined),
  );
}

describe('a folder of skills', () => {
  it('is searched at any depth, beside the cache, and the first of equal names wins', async () => {
    write('own/b/deep/er/SKILL.md', text('second'));
    write('own/a/skill.md', text('first', 'own'));
    write('own/c/README.md', text('none'));
    write('own/empty/SKILL.md', '---\nname: empty\n---\n');
    write('cache/x/SKILL.md', text('FIRST', 'cached'));
    write('cache/y/SKILL.md', '\ufeff---\r\nname: third\r\n---\r\nText.\r\n');
    const library = await open();
    expect(library.all.map(({ name, source, body }) => [name, source, body])).toEqual([
      ['first', 'a/skill.md', 'own'],
      ['second', 'b/deep/er/SKILL.md', 'How to second.'],
      ['third', 'y/SKILL.md', 'Text.'],
    ]);
    write('own/d/SKILL.md', text('fourth'));
    rmSync(join(root, 'own/a'), { recursive: true });
    await has(library, 'fourth');
    expect(library.all.find(({ name }) => name === 'FIRST')?.body).toBe('cached');
  });

  it('is not left by links, and a link is no skill', async () => {
    write('outside/secret/SKILL.md', text('secret'));
    write('own/a/SKILL.md', text('inside'));
    mkdirSync(join(root, 'own/b'));
    symlinkSync(join(root, 'outside'), join(root, 'own/linked'));
    symlinkSync(join(root, 'outside/secret/SKILL.md'), join(root, 'own/b/SKILL.md'));
    symlinkSync(join(root, 'own'), join(root, 'own/circle'));
    expect(names(await open())).toEqual(['inside']);
    // The folder itself may be one.
    symlinkSync(join(root, 'own'), join(root, 'link'));
    expect((await scanSkills(join(root, 'link'))).skills).toHaveLength(1);
  });

  it('may be away, unreadable or no folder at all, and come back', async () => {
    write('own', 'a file');
    const library = await open();
    expect(library.all).toEqual([]);
    rmSync(join(root, 'own'));
    write('own/a/SKILL.md', text('back'));
    await has(library, 'back');
  });

  it('is read up to its limits', async () => {
    for (let index = 0; index < 30; index++)
      write(`own/${index}/SKILL.md`, text(`s${index}`, 'x'.repeat(100)));
    const scan = (limits: Partial<typeof SCAN_LIMITS>) =>
      scanSkills(join(root, 'own'), { ...SCAN_LIMITS, ...limits });
    expect(await scan({})).toMatchObject({ warnings: [] });
    const few = await scan({ skills: 10 });
    expect(few.skills).toHaveLength(10);
    expect(few.warnings).toEqual(['More than 10 skills; the rest is left out.']);
    const short = await scan({ text: 550 });
    expect(short.skills).toHaveLength(5);
    expect(short.warnings).toEqual(['More text than is kept; the rest is left out.']);
    expect((await scan({ entries: 20 })).warnings).toEqual([
      'More than 20 files and folders; the rest is left out.',
    ]);
    write(`own/${Array.from({ length: 20 }, () => 'd').join('/')}/SKILL.md`, text('deep'));
    const deep = await scan({});
    expect(deep.skills.map(({ name }) => name)).not.toContain('deep');
    expect(deep.warnings).toEqual(['Folders more than 12 deep; the rest is left out.']);
  });

  it('of 10000 files is read, and matched, without keeping the gateway from its work', async () => {
    // In memory where that is possible: it is the reading that is looked at.
    rmSync(root, { recursive: true });
    root = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'skynet-skills-test-'));
    for (let index = 0; index < 10_050; index++)
      write(`own/${index}/SKILL.md`, text(`s${index}`, 'y'.repeat(1_000)));
    let longest = 0;
    let last = performance.now();
    const timer = setInterval(() => {
      longest = Math.max(longest, performance.now() - last);
      last = performance.now();
    }, 5);
    const library = await open({ SKYNET_EXTERNAL_SKILLS_REFRESH_SECS: '3600' });
    clearInterval(timer);
    expect(longest).toBeLessThan(500);
    expect(library.all).toHaveLength(10_000);
    const began = performance.now();
    expect(library.guidanceFor(`s77 ${'word'.repeat(3_000)} ${'other words '.repeat(1_000)}`)).toContain(
      '[Skill: s77]',
    );
    expect(performance.now() - began).toBeLessThan(1_000);
  }, 60_000);

  it('is read no further than 512000 bytes of a file', async () => {
    write('own/a/SKILL.md', Buffer.concat([Buffer.from(text('big')), Buffer.alloc(2_000_000, 'x')]));
    expect((await open()).all).toMatchObject([{ name: 'big', size: 2_000_000 + text('big').length }]);
  });
});

describe('a skill on GitHub', () => {
  it('is fetched, kept, and used from its last good copy while GitHub is away', async () => {
    raw.has('/o/r/main/review/SKILL.md', { body: text('review', 'version 1') });
    const urls = { SKYNET_EXTERNAL_SKILL_URLS: `${page('review')}\nhttps://example.org/x, ${page('gone')}` };
    const library = await open(urls);
    const skill = await has(library, 'review');
    expect(skill).toMatchObject({ body: 'version 1', source: page('review') });
    raw.has('/o/r/main/review/SKILL.md', { body: text('review', 'version 2') });
    await eventually('the new text is there', () =>
      Promise.resolve(library.all.find(({ body }) => body === 'version 2')),
    );
    await raw.close();
    const offline = await open(urls);
    expect(offline.all).toMatchObject([{ name: 'review', body: 'version 2', source: page('review') }]);
    // Its copy stays for others, and is not used by who does not ask for it.
    expect((await open()).all).toEqual([]);
    await raw.open();
  });

  it.each([
    ['too much', { endless: 'x'.repeat(10_000) }],
    ['too much at once', { body: Buffer.alloc(512_001, 'x') }],
    ['a page', { headers: { 'content-type': 'text/html' }, body: '<p>Log in</p>' }],
    ['a picture', { headers: { 'content-type': 'image/png' }, body: 'x' }],
    ['what is no text', { body: Buffer.from([120, 0, 120]) }],
    ['an encoding', { headers: { 'content-type': 'text/plain', 'content-encoding': 'gzip' }, body: 'x' }],
    ['nothing', { body: '---\nname: x\n---\n' }],
    ['an error', { status: 500, body: text('error') }],
    ['silence', { silent: true }],
    ['a way out', { status: 302, headers: { location: 'http://127.0.0.1:1/x' } }],
    ['a way to nowhere', { status: 302 }],
    ['a circle', { status: 302, headers: { location: '/o/r/main/bad/SKILL.md' } }],
  ])('that answers with %s keeps its last copy, and harms no other', async (_what, answer) => {
    raw.has('/o/r/main/bad/SKILL.md', { body: text('bad', 'good copy') });
    raw.has('/o/r/main/fine/SKILL.md', { body: text('fine') });
    const library = await open({ SKYNET_EXTERNAL_SKILL_URLS: `${page('bad')},${page('fine')}` }, 300);
    await has(library, 'bad');
    raw.has('/o/r/main/bad/SKILL.md', answer);
    await afterALook('/o/r/main/bad/SKILL.md');
    expect(library.all.map(({ name, body }) => [name, body]).sort()).toEqual([
      ['bad', 'good copy'],
      ['fine', 'How to fine.'],
    ]);
    // What has no end was not read to it: some of it is still on its way.
    expect(raw.sentBytes).toBeLessThan(40_000_000);
  });

  it('is read whole up to 512000 bytes, and through redirects within its host', async () => {
    const body = text('large') + 'x'.repeat(512_000 - text('large').length);
    raw.has('/o/r/main/a/SKILL.md', { status: 301, headers: { location: `${raw.url}/moved` } });
    raw.has('/moved', { body });
    const library = await open({ SKYNET_EXTERNAL_SKILL_URLS: page('a') });
    expect(await has(library, 'large')).toMatchObject({ size: 512_000 });
  });
});

describe('the settings', () => {
  it('leave out what is no address of a skill, with a warning that does not show it', () => {
    const config = skillsConfig(
      new Env({
        SKYNET_EXTERNAL_SKILL_URLS: `${page('a')},https://u:secret@github.com/o/r/tree/m/x\n${page('a')}`,
      }),
    );
    expect(config.remote).toHaveLength(1);
    expect(config.warnings).toEqual([expect.stringContaining('1 of its entries are ignored')]);
    expect(config.warnings.join()).not.toContain('secret');
  });

  it('have a least snippet, and can name no skill to be always on', () => {
    expect(skillsConfig(new Env({})).alwaysOn).toHaveLength(5);
    expect(skillsConfig(new Env({})).cacheFolder).toBeUndefined();
    const config = skillsConfig(
      new Env({ SKYNET_ALWAYS_ON_PROMPT_SKILLS: ',', SKYNET_ALWAYS_ON_PROMPT_SNIPPET_CHARS: '20' }),
    );
    expect(config).toMatchObject({ alwaysOn: [], snippetChars: 300 });
  });
});

describe('the routes', () => {
  let fixture: GatewayFixture;
  beforeAll(async () => (fixture = await GatewayFixture.create()));
  afterAll(() => fixture.close());

  it('show all skills, and what they would add to a prompt', async () => {
    write('own/on/SKILL.md', text('agent-memory', 'Remember.'));
    write('own/review/SKILL.md', `---\ndescription: Looks at changes.\n---\nRead the diff first.\n`);
    const gateway = await fixture.start({ env: FOLDERS() });
    const list = await fetch(`${gateway.url}/skills`);
    expect(list.status).toBe(200);
    expect(await list.json()).toEqual({
      skills: [
        { name: 'agent-memory', description: 'Remember.', source: 'on/SKILL.md', size: 37 },
        { name: 'review', description: 'Looks at changes.', source: 'review/SKILL.md', size: 60 },
      ],
    });
    const { status, body } = await post(gateway, '/skills/match', { query: 'Please review the changes.' });
    expect(status).toBe(200);
    expect(body.blocks).toEqual([
      { name: 'agent-memory', always_on: true, score: 0, text: '[Skill: agent-memory]\n> Remember.' },
      { name: 'review', always_on: false, score: 12, text: '[Skill: review]\n> Read the diff first.' },
    ]);
    expect(body.guidance).toContain('[External Skill Guidance]');
    for (const wrong of [{}, { query: 1 }, [], 'null', '"x"']) {
      expect((await post(gateway, '/skills/match', wrong)).status).toBe(400);
    }
    expect((await post(gateway, '/skills/match', { query: 'x'.repeat(1_000_000) })).status).toBe(200);
  });

  it('want the token', async () => {
    const gateway = await fixture.start({ env: { SKYNET_GATEWAY_TOKEN: 't' } });
    expect((await fetch(`${gateway.url}/skills`)).status).toBe(401);
    expect((await post(gateway, '/skills/match', { query: 'x' })).status).toBe(401);
  });
});
