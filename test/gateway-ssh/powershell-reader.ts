/** What stands in the value of `-EncodedCommand`: UTF-16LE in base64. */
export function decodeCommand(encoded: string): string {
  return new TextDecoder('utf-16le', { ignoreBOM: true, fatal: true }).decode(Buffer.from(encoded, 'base64'));
}

/**
 * The single-quoted literals of a script, as PowerShell's tokenizer reads them: any of five characters opens and closes
 * one, two of them in a row stand for the first, and within double quotes none of them means anything.
 */
export function readLiterals(script: string): string[] {
  const isQuote = (letter: string | undefined) =>
    letter !== undefined && /^['\u2018\u2019\u201A\u201B]$/.test(letter);
  const literals: string[] = [];
  for (let at = 0; at < script.length; at++) {
    if (script[at] === '"') {
      at = script.indexOf('"', at + 1);
      if (at === -1) throw new Error('A string in double quotes does not end.');
    } else if (isQuote(script[at])) {
      let literal = '';
      for (at++; ; at++) {
        if (at >= script.length) throw new Error('A literal does not end.');
        if (isQuote(script[at])) {
          if (!isQuote(script[at + 1])) break;
          at++;
          literal += script.charAt(at - 1);
        } else literal += script.charAt(at);
      }
      literals.push(literal);
    }
  }
  return literals;
}
