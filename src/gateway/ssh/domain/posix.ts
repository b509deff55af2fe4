/**
 * A word as a POSIX shell reads it back unchanged, whatever it holds: between single quotes nothing has a meaning but the
 * single quote itself. Only NUL cannot be part of a word, and is refused.
 */
export function quotePosix(word: string): string {
  if (word.includes('\0')) throw new TypeError('A word of a command line cannot hold a NUL character.');
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

/** A command line that runs one program with exactly these arguments. */
export function posixCommand(argv: readonly string[]): string {
  return argv.map(quotePosix).join(' ');
}

/** A command line that runs programs one after the other in a folder, as long as each of them succeeds. */
export function posixCommands(folder: string, commands: readonly (readonly string[])[]): string {
  return [`cd ${quotePosix(folder)}`, ...commands.map(posixCommand)].join(' && ');
}
