import { bracketEnd } from './brackets.js';

interface Group {
  readonly commas: number[];
  close: number;
}

/**
 * Spells out groups: `src/{a,b/c}.ts` is `src/a.ts` and `src/b/c.ts`. Groups may be nested and alternatives empty; a
 * brace without partner or a group without comma is ordinary text. Brackets in the text are balanced. Null when there
 * would be more alternatives than `limit`.
 */
export function expandGroups(text: string, limit: number): readonly string[] | null {
  const groups = findGroups(text);
  return groups.size === 0 ? [text] : expandBetween(text, 0, text.length, groups, limit);
}

function findGroups(text: string): ReadonlyMap<number, Group> {
  const groups = new Map<number, Group>();
  const opened: { readonly at: number; readonly group: Group }[] = [];
  for (let at = 0; at < text.length; at++) {
    const character = text.charAt(at);
    if (character === '[') at = Math.max(at, bracketEnd(text, at));
    else if (character === '{') opened.push({ at, group: { commas: [], close: -1 } });
    else if (character === ',') opened.at(-1)?.group.commas.push(at);
    else if (character === '}') {
      const closed = opened.pop();
      if (closed === undefined || closed.group.commas.length === 0) continue;
      closed.group.close = at;
      groups.set(closed.at, closed.group);
    }
  }
  return groups;
}

function expandBetween(
  text: string,
  from: number,
  to: number,
  groups: ReadonlyMap<number, Group>,
  limit: number,
): readonly string[] | null {
  let results: readonly string[] = [''];
  let plainFrom = from;
  for (let at = from; at < to; at++) {
    const group = groups.get(at);
    if (group === undefined) continue;
    const choices: string[] = [];
    let start = at + 1;
    for (const end of [...group.commas, group.close]) {
      const expanded = expandBetween(text, start, end, groups, limit);
      if (expanded === null) return null;
      choices.push(...expanded);
      start = end + 1;
    }
    if (results.length * choices.length > limit) return null;
    const before = text.slice(plainFrom, at);
    results = results.flatMap((result) => choices.map((choice) => result + before + choice));
    at = group.close;
    plainFrom = at + 1;
  }
  const rest = text.slice(plainFrom, to);
  return rest === '' ? results : results.map((result) => result + rest);
}
