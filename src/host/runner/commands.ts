import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, isAbsolute, join, resolve } from 'node:path';

/** Where the commands are that may run: found once, so that a later change of the PATH or in it by a job changes nothing. */
export class Commands {
  private readonly places: ReadonlyMap<string, string>;

  constructor(names: readonly string[], path: string) {
    const found = names.map((name) => [name, findCommand(name, path)] as const);
    this.places = new Map(found.filter((entry): entry is [string, string] => entry[1] !== undefined));
  }

  /** The file of a command; undefined when it was not there at the start. */
  fileOf(name: string): string | undefined {
    return this.places.get(name);
  }

  missing(names: readonly string[]): readonly string[] {
    return names.filter((name) => !this.places.has(name));
  }
}

function findCommand(name: string, path: string): string | undefined {
  if (name.includes('/')) return isProgram(resolve(name)) ? resolve(name) : undefined;
  return path
    .split(delimiter)
    .filter((folder) => isAbsolute(folder))
    .map((folder) => join(folder, name))
    .find(isProgram);
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
