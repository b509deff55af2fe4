import { isMap, parseDocument } from 'yaml';
import { cut, plainLine, plainText } from './plain-text.js';

/** A text of somebody else that may help a model with its work. It is advice: it adds no tool and no permission. */
export interface Skill {
  readonly name: string;
  readonly description: string;
  /** Never empty; at most 16000 characters and a note that there was more. */
  readonly body: string;
}

const MOST_BODY = 16_000;
const TRUNCATED = '\n\n... (truncated)';
const MOST_NAME = 100;
const MOST_DESCRIPTION = 500;
const MOST_FIRST_LINE = 200;
/** What is longer is no description of a text but a text. */
const MOST_FRONTMATTER = 16_384;
const NO_DESCRIPTION = 'External prompt skill';

/**
 * Reads a SKILL.md: frontmatter with name and description, if there is any, and the text. What the frontmatter does not
 * say is taken from the folder's name and the first line of text. Null when there is no text.
 */
export function parseSkill(file: string, folder: string): Skill | null {
  const { fields, text } = split(plainText(file));
  const whole = text.trim();
  if (whole === '') return null;
  const body = whole.length > MOST_BODY ? cut(whole, MOST_BODY) + TRUNCATED : whole;
  const name = plainLine(fields.name, MOST_NAME) || plainLine(folder, MOST_NAME);
  const description = plainLine(fields.description, MOST_DESCRIPTION) || firstLine(body);
  return name === '' ? null : { name, description: description || NO_DESCRIPTION, body };
}

interface Fields {
  readonly name: string;
  readonly description: string;
}

const NO_FIELDS: Fields = { name: '', description: '' };

function split(text: string): { readonly fields: Fields; readonly text: string } {
  if (!/^---[ \t]*\n/.test(text)) return { fields: NO_FIELDS, text };
  const start = text.indexOf('\n') + 1;
  const end = /^(?:---|\.\.\.)[ \t]*$/m.exec(text.slice(start, start + MOST_FRONTMATTER));
  if (end === null) return { fields: NO_FIELDS, text };
  const after = start + end.index + end[0].length;
  return { fields: fieldsOf(text.slice(start, start + end.index)), text: text.slice(after) };
}

/** Name and description of a frontmatter. What is not written as plain text counts as not written, whatever is wrong. */
function fieldsOf(yaml: string): Fields {
  try {
    // Every scalar is a text, no tag is resolved and no alias followed: nothing is made of the text but its own words.
    const document = parseDocument(yaml, { schema: 'failsafe', logLevel: 'silent', prettyErrors: false });
    const { contents } = document;
    if (!isMap(contents)) return NO_FIELDS;
    const textOf = (key: string) => {
      const value = contents.get(key);
      return typeof value === 'string' ? value : '';
    };
    return { name: textOf('name'), description: textOf('description') };
  } catch {
    // Nested deeper than the parser can follow.
    return NO_FIELDS;
  }
}

/** The first line that is neither blank nor a heading. */
function firstLine(body: string): string {
  const line = body.split('\n').find((each) => /\S/.test(each) && !/^\s*(?:#|[-=*_]{3,}\s*$)/.test(each));
  return plainLine(line ?? '', MOST_FIRST_LINE);
}
