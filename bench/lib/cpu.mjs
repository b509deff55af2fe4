// CPU time of processes, from /proc. Elsewhere than on Linux every figure is null.
import { readFileSync } from 'node:fs';

const MS_PER_TICK = 10;

/** @param {number} pid @returns {number[] | null} the fields of /proc/PID/stat after the name */
function stat(pid) {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text
      .slice(text.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number);
  } catch {
    return null;
  }
}

/** User and system time of a process so far. @param {number} pid */
export function cpuMs(pid) {
  const fields = stat(pid);
  return fields === null ? null : (fields[11] + fields[12]) * MS_PER_TICK;
}

/** The same of the children that a process has had and that have ended. @param {number} pid */
export function endedChildrenCpuMs(pid) {
  const fields = stat(pid);
  return fields === null ? null : (fields[13] + fields[14]) * MS_PER_TICK;
}

/** A process with its children, those that live and those that have ended. @param {number} pid */
export function familyCpuMs(pid) {
  const own = cpuMs(pid);
  if (own === null) return null;
  let children = '';
  try {
    children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
  } catch {
    // A kernel without the list: what lives is missing from the sum.
  }
  const living = children.split(' ').filter((text) => text !== '');
  return living.reduce(
    (sum, child) => sum + (cpuMs(Number(child)) ?? 0),
    own + (endedChildrenCpuMs(pid) ?? 0),
  );
}
