import { describe, expect, it } from '@jest/globals';
import { folderOf, isTextType, mayFollow, parseSkillUrl, rawUrlOf } from './skill-url.js';

const RAW = 'https://raw.githubusercontent.com';

describe('the address of a skill', () => {
  it.each([
    ['https://github.com/o/r/tree/main/skills/review', `${RAW}/o/r/main/skills/review/SKILL.md`],
    ['https://github.com/o/r/tree/main/skills/review/', `${RAW}/o/r/main/skills/review/SKILL.md`],
    ['https://github.com/o/r/blob/v1.2/review/SKILL.md', `${RAW}/o/r/v1.2/review/SKILL.md`],
    ['https://www.github.com/o/r/blob/main/skill.md?plain=1#L3', `${RAW}/o/r/main/skill.md`],
    [`${RAW}/o/r/main/review`, `${RAW}/o/r/main/review/SKILL.md`],
    [`${RAW}/o/r/main/a%20b/SKILL.md`, `${RAW}/o/r/main/a%20b/SKILL.md`],
  ])('%s leads to %s', (url, raw) => {
    const skill = parseSkillUrl(url);
    expect(skill && rawUrlOf(skill)).toBe(raw);
  });

  it.each([
    'nonsense',
    'http://github.com/o/r/tree/main/x',
    'https://gitlab.com/o/r/tree/main/x',
    'https://github.com.evil.example/o/r/tree/main/x',
    'https://github.com:444/o/r/tree/main/x',
    'https://user:secret@github.com/o/r/tree/main/x',
    'https://github.com/o/r',
    'https://github.com/o/r/tree/main',
    'https://github.com/o/r/issues/1',
    'https://github.com/o/r/tree/main/%2e%2e%2fx',
    'https://github.com/o/r/tree/main/a%5cb',
    'https://github.com/o/r/tree/main/%00',
    'https://github.com/o/r/tree/main/%zz',
    'https://github.com/o%20o/r/tree/main/x',
    `${RAW}/o/r/main`,
  ])('%s is none', (url) => {
    expect(parseSkillUrl(url)).toBeNull();
  });

  it('is read at a mirror, when there is one, and names its folder', () => {
    const skill = parseSkillUrl('https://github.com/o/r/tree/main/skills/review');
    expect(skill && rawUrlOf(skill, 'http://mirror:81/raw')).toBe(
      'http://mirror:81/raw/o/r/main/skills/review/SKILL.md',
    );
    expect(skill && folderOf(skill)).toBe('review');
    const top = parseSkillUrl('https://github.com/o/r/blob/main/SKILL.md');
    expect(top && folderOf(top)).toBe('r');
  });
});

it.each([
  [`${RAW}/x`, true],
  ['https://github.com/x', true],
  ['https://objects.githubusercontent.com/x', true],
  ['http://mirror:81/other', true],
  ['http://raw.githubusercontent.com/x', false],
  ['https://raw.githubusercontent.com:8443/x', false],
  ['http://mirror:82/', false],
  ['https://evil.githubusercontent.com/x', false],
  ['https://github.com.evil.example/', false],
  ['http://169.254.169.254/', false],
  ['file:///etc/passwd', false],
])('a redirect to %s is followed: %s', (to, followed) => {
  expect(mayFollow(new URL(to), new URL('http://mirror:81/raw/o'))).toBe(followed);
});

it.each([
  ['text/plain; charset=utf-8', true],
  ['text/markdown', true],
  ['application/x-markdown', true],
  ['application/octet-stream', true],
  [undefined, true],
  ['text/html; charset=utf-8', false],
  ['application/json', false],
  ['image/png', false],
])('an answer of type %s can be a skill: %s', (type, can) => {
  expect(isTextType(type)).toBe(can);
});
