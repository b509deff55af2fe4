// The table of values in deploy/README.md, made of the chart's values.yaml and its comments.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { isMap, parseDocument } from 'yaml';
import { chart } from './render.mjs';

const page = join(import.meta.dirname, '..', 'README.md');
const BETWEEN = /(?<=<!-- values -->\n)[\s\S]*(?=<!-- \/values -->)/;

/** A comment in one line; of several the last, which is the one of the value itself. */
const words = (comment) =>
  ((comment ?? '').split(/\n\s*\n/).at(-1) ?? '')
    .split('\n')
    .map((line) => line.trim())
    .join(' ')
    .trim();

/** A row for each value and for each section that has a comment. */
function rowsOf(map, path = '') {
  return map.items.flatMap(({ key, value }, index) => {
    // The comment of a section's first key is attached to the section.
    const about = words(index === 0 && path !== '' ? map.commentBefore : key.commentBefore);
    const name = path === '' ? key.value : `${path}.${key.value}`;
    if (!isMap(value) || value.flow) return [[`\`${name}\``, `\`${JSON.stringify(value.toJSON())}\``, about]];
    return [...(about === '' ? [] : [[`**\`${name}\`**`, '', about]]), ...rowsOf(value, name)];
  });
}

async function wanted(text) {
  const { contents } = parseDocument(readFileSync(join(chart, 'values.yaml'), 'utf8'));
  const lines = [['value', 'default', 'meaning'], ['-', '-', '-'], ...rowsOf(contents)];
  const table = lines
    .map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`)
    .join('\n');
  return format(text.replace(BETWEEN, `\n${table}\n\n`), {
    ...(await resolveConfig(page)),
    parser: 'markdown',
  });
}

export async function writeValuesTable() {
  writeFileSync(page, await wanted(readFileSync(page, 'utf8')));
}

export async function complaintsOfValuesTable() {
  const text = readFileSync(page, 'utf8');
  return text === (await wanted(text))
    ? []
    : ['deploy/README.md has not the table that values.yaml gives. Run: npm run deploy:write'];
}
