/** Kills a process and all that it has started and that has not left its group. Nothing when they are gone already. */
export function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // The group is gone already.
  }
}
