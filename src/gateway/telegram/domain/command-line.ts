/** A command of a message, in lower case, and what stands behind it. */
export interface CommandLine {
  readonly name: string;
  readonly args: string;
}

/** Reads `/name args` or `/name@bot args`; null for every other text. */
export function parseCommandLine(text: string): CommandLine | null {
  const [, name, args = ''] =
    /^\/([a-z0-9_]{1,32})(?:@[a-z0-9_]+)?(?:\s+([\s\S]*))?$/i.exec(text.trim()) ?? [];
  return name === undefined ? null : { name: name.toLowerCase(), args: args.trim() };
}

/** The first `count` words of a text, and what is left of it. */
export function words(text: string, count: number): readonly string[] {
  const found: string[] = [];
  let rest = text.trim();
  while (found.length < count && rest !== '') {
    const [word = ''] = rest.split(/\s/, 1);
    found.push(word);
    rest = rest.slice(word.length).trim();
  }
  return [...found, rest];
}
