/** What `/proc/<pid>/stat` says of a process. */
export interface ProcessStat {
  readonly parent: number;
  readonly group: number;
  /** In ticks since boot: with the process id it names a process for good. */
  readonly startTicks: string;
  /** It has ended and is only waited for. */
  readonly isZombie: boolean;
}

/** Reads a line of `/proc/<pid>/stat`; undefined when it is none. The name in brackets may hold anything. */
export function parseProcessStat(line: string): ProcessStat | undefined {
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
  const [state, parent, group] = fields;
  const startTicks = fields[19];
  if (state === undefined || startTicks === undefined) return undefined;
  return {
    parent: Number(parent),
    group: Number(group),
    startTicks,
    isZombie: state === 'Z' || state === 'X',
  };
}

/** Whether a table of `/proc/<pid>/net/tcp` has a socket that listens on `port`. */
export function listensOn(table: string, port: number): boolean {
  const local = port.toString(16).toUpperCase().padStart(4, '0');
  const LISTEN = '0A';
  return table.split('\n').some((line) => {
    const [, address, , state] = line.trim().split(/\s+/);
    return state === LISTEN && address?.endsWith(`:${local}`) === true;
  });
}
