import { type Run } from './machine-action.js';

/** Where programs run and have their files: this machine, or a host behind SSH. Paths are absolute. */
export interface Machine {
  readonly run: Run;
  readonly files: MachineFiles;
}

/** What work on a machine needs of its files beside what programs do. Each call rejects with the machine's own error. */
export interface MachineFiles {
  /** Makes a folder that nobody else may look into, and says where. */
  makeScratch(): Promise<string>;
  makeFolder(path: string): Promise<unknown>;
  /** Writes a new file that nobody else may read. */
  write(path: string, text: string): Promise<void>;
  /** Puts a copy of a file in the place of another one; none when there is nothing to copy. */
  copy(from: string, to: string): Promise<void>;
  /** Removes a file or a link. False when there is none: nothing, or a folder. */
  remove(path: string): Promise<boolean>;
  /** Removes a folder that is empty. False when it is not, or cannot be removed. */
  removeEmpty(path: string): Promise<boolean>;
  /** Removes a folder with all that is in it. */
  removeAll(path: string): Promise<void>;
}
