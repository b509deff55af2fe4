import { type Remark } from './remark.js';

/** A record that may be unable to run here. */
export interface Candidate {
  readonly id: string;
  /** Why it cannot run here; null: it can, or has ended. */
  readonly unfit: string | null;
  /** What it still waits for. */
  readonly awaited: readonly string[];
}

/** Parts records from those that cannot run here, and from those that would wait for them for ever. */
export function leaveOut<R extends Candidate>(
  kind: Remark['kind'],
  records: readonly R[],
): { readonly taken: readonly R[]; readonly remarks: readonly Remark[] } {
  const why = new Map<string, string>();
  for (const { id, unfit } of records) if (unfit !== null) why.set(id, unfit);
  if (why.size === 0) return { taken: records, remarks: [] };
  const waiting = new Map<string, string[]>();
  for (const { id, awaited } of records) {
    for (const parent of awaited) {
      const children = waiting.get(parent);
      if (children === undefined) waiting.set(parent, [id]);
      else children.push(id);
    }
  }
  // What is added while it is walked is walked as well.
  for (const parent of why.keys()) {
    for (const id of waiting.get(parent) ?? []) {
      if (!why.has(id)) why.set(id, `it waits for ${parent}, which was left out`);
    }
  }
  return {
    taken: records.filter(({ id }) => !why.has(id)),
    remarks: [...why].map(([id, reason]) => ({ kind, id, text: `left out: ${reason}` })),
  };
}
