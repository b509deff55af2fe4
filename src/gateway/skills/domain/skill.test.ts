import { describe, expect, it } from '@jest/globals';
import { parseSkill } from './skill.js';
import { fc } from '../../../../test/support/properties.js';

const NAMED = '---\nname: Review\ndescription: Looks at changes.\n---\n\nRead the diff first.\n';

describe('a SKILL.md', () => {
  it.each([
    ['with line feeds', NAMED],
    ['with carriage returns', NAMED.replaceAll('\n', '\r\n')],
    ['with a byte order mark', `\ufeff${NAMED}`],
    ['with both', `\ufeff${NAMED.replaceAll('\n', '\r\n')}`],
    ['with spaces behind the marks', NAMED.replaceAll('---', '--- \t')],
    ['whose frontmatter ends with dots', NAMED.replace('\n---\n\n', '\n...\n\n')],
  ])('%s is read', (_what, file) => {
    expect(parseSkill(file, 'folder')).toEqual({
      name: 'Review',
      description: 'Looks at changes.',
      body: 'Read the diff first.',
    });
  });

  it('without frontmatter has the name of its folder and its first line of text', () => {
    const file = `# Heading\n\n${'x'.repeat(300)}\nmore`;
    expect(parseSkill(file, 'code-review')).toMatchObject({
      name: 'code-review',
      description: 'x'.repeat(200),
      body: file,
    });
    expect(parseSkill('# Only a heading', 'f')?.description).toBe('External prompt skill');
  });

  it.each([
    ['no mapping', '- a\n- b'],
    ['a list as name', 'name: [a, b]'],
    ['a mapping as name', 'name: {a: b}'],
    ['nothing as name', 'name:\ndescription:'],
    ['an alias', 'a: &a x\nname: *a'],
    ['what is not YAML', '}{\n\tname\n%'],
    ['what is nested too deeply', `name: ${'['.repeat(8_000)}`],
    ['a bomb of aliases', `a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\nname: *c`],
  ])('whose frontmatter is %s keeps its text, and is called by its folder', (_what, yaml) => {
    const began = performance.now();
    expect(parseSkill(`---\n${yaml}\n---\nText.`, 'folder')).toEqual({
      name: 'folder',
      description: 'Text.',
      body: 'Text.',
    });
    expect(performance.now() - began).toBeLessThan(2_000);
  });

  it.each([
    ['a number', 'name: 12', '12'],
    ['a word that means no', 'name: no', 'no'],
    ['a tag', 'name: !!js/function "x"', 'x'],
    ['several lines', 'name: |\n  a\n  b', 'a b'],
    ['what is not seen', 'name: "a\\u202eb\\u200bc"', 'abc'],
    ['too much', `name: ${'n'.repeat(300)}`, 'n'.repeat(100)],
    ['a prototype', '__proto__: {x: y}\nname: fine', 'fine'],
    ['twice', 'name: a\nname: b', 'a'],
  ])('takes a name that is %s for a text', (_what, yaml, name) => {
    expect(parseSkill(`---\n${yaml}\n---\nText.`, 'folder')?.name).toBe(name);
  });

  it('whose frontmatter does not end, or is a text in itself, has none', () => {
    const open = '---\nname: a\nText.';
    expect(parseSkill(open, 'folder')).toMatchObject({ name: 'folder', body: open });
    const long = `---\nname: a\nx: ${'x'.repeat(17_000)}\n---\nText.`;
    expect(parseSkill(long, 'folder')?.name).toBe('folder');
  });

  it('is cut after 16000 characters, between two of them', () => {
    expect(parseSkill('x'.repeat(16_001), 'f')?.body).toBe(`${'x'.repeat(16_000)}\n\n... (truncated)`);
    expect(parseSkill('x'.repeat(16_000), 'f')?.body).toBe('x'.repeat(16_000));
    expect(parseSkill(`${'x'.repeat(15_999)}😀`, 'f')?.body).toBe(`${'x'.repeat(15_999)}\n\n... (truncated)`);
  });

  it.each(['', ' \n\t\n', '---\nname: a\n---\n', '\ufeff\u200b'])('without text is none: %j', (file) => {
    expect(parseSkill(file, 'folder')).toBeNull();
  });

  it('of any kind is read without an error, and within its limits', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 400 }), fc.string(), (yaml, folder) => {
        const skill = parseSkill(`---\n${yaml}\n---\nText.`, folder);
        expect(skill?.name.length ?? 1).toBeGreaterThan(0);
        expect(skill?.name ?? '').not.toMatch(/[\n\r\u2028]/);
        expect(skill?.name.length ?? 0).toBeLessThanOrEqual(100);
      }),
    );
  });
});
