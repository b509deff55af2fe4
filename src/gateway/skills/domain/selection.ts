import { type Skill } from './skill.js';

/** A skill with what it is searched by. */
export interface Indexed<S extends Skill = Skill> {
  readonly skill: S;
  readonly name: string;
  /** Name, description and body in lower case. */
  readonly words: string;
}

export interface Selected<S extends Skill = Skill> {
  readonly skill: S;
  readonly alwaysOn: boolean;
  readonly score: number;
}

const MOST_MATCHES = 3;
const NAME_SCORE = 10;
const LEAST_TOKEN = 4;
/** Of a longer query the first words count. */
const MOST_TOKENS = 32;

/** The first of skills whose names differ in case alone, in the given order. */
export function withoutDuplicates<S extends Skill>(skills: readonly S[]): S[] {
  const byName = new Map<string, S>();
  for (const skill of skills) {
    const name = skill.name.toLowerCase();
    if (!byName.has(name)) byName.set(name, skill);
  }
  return [...byName.values()];
}

export function indexed<S extends Skill>(skill: S): Indexed<S> {
  const { name, description, body } = skill;
  return { skill, name: name.toLowerCase(), words: `${name}\n${description}\n${body}`.toLowerCase() };
}

/**
 * The skills for a query: those that are always on, in the order of their names in `alwaysOn`, and the three others that
 * match best. A name in the query counts ten, each of its words of four characters or more one; of equals the first wins.
 */
export function selectSkills<S extends Skill>(
  skills: readonly Indexed<S>[],
  query: string,
  alwaysOn: readonly string[],
): Selected<S>[] {
  const text = query.toLowerCase();
  const tokens = tokensOf(text);
  const always = alwaysOn
    .map((name) => skills.find((each) => each.name === name.toLowerCase()))
    .filter((each) => each !== undefined);
  const matches = skills
    .filter((each) => !always.includes(each))
    .map((each) => ({ each, score: scoreOf(each, text, tokens) }))
    .filter(({ score }) => score > 0)
    .toSorted((a, b) => b.score - a.score)
    .slice(0, MOST_MATCHES);
  return [
    ...always.map((each) => ({ skill: each.skill, alwaysOn: true, score: scoreOf(each, text, tokens) })),
    ...matches.map(({ each, score }) => ({ skill: each.skill, alwaysOn: false, score })),
  ];
}

function tokensOf(query: string): string[] {
  const tokens = query.match(/[\p{L}\p{N}][\p{L}\p{N}._-]*/gu) ?? [];
  const words = tokens
    .map((token) => token.replace(/[._-]+$/, ''))
    .filter((word) => word.length >= LEAST_TOKEN);
  return [...new Set(words)].slice(0, MOST_TOKENS);
}

function scoreOf({ name, words }: Indexed, query: string, tokens: readonly string[]): number {
  const named = query.includes(name) ? NAME_SCORE : 0;
  return named + tokens.filter((token) => words.includes(token)).length;
}
