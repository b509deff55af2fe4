/** What nobody but its owner may ever read, by what it is. */
export class Secrets {
  private readonly known = new Map<string, string>();

  add(what: string, secret: string): string {
    this.known.set(secret, what);
    return secret;
  }

  /** What of it stands in a text, but for what the asker has sent along. */
  in(text: string, sent = ''): string[] {
    return [...this.known]
      .filter(([secret]) => text.includes(secret) && !sent.includes(secret))
      .map(([, what]) => what);
  }
}

/** A trace of the program's inside: a stack, a path of its files, a statement, or what PostgreSQL says of one. */
const INSIDE: Readonly<Record<string, RegExp>> = {
  'a stack trace': /\bat (?:\S+ )?\(?(?:file:\/\/|node:|\/)[^\s)]+:\d+:\d+|node_modules\//,
  'a statement':
    /\b(?:select|insert into|update|delete from)\b[^"]{1,200}\b(?:from|values|set|where|returning)\b/i,
  'what PostgreSQL said':
    /SQLSTATE|syntax error at or near|violates \S+(?: \S+)? constraint|relation "|column "|invalid input syntax|out of range for type|QueryFailedError|invalid byte sequence/,
};

/** The traces of the inside that a text shows. */
export const insidesIn = (text: string): string[] =>
  Object.entries(INSIDE)
    .filter(([, pattern]) => pattern.test(text))
    .map(([what]) => what);
