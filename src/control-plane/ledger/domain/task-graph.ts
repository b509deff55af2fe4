import { type NewTask } from './task.js';

/** What is wrong with tasks that are handed in together. */
export type GraphFault =
  | { readonly kind: 'twice'; readonly id: string }
  | { readonly kind: 'itself'; readonly id: string }
  /** Each waits for the next, and the last is the first. */
  | { readonly kind: 'cycle'; readonly ids: readonly string[] };

export type OrderedGraph =
  | { readonly ok: true; readonly tasks: readonly NewTask[] }
  | { readonly ok: false; readonly fault: GraphFault };

/**
 * Puts tasks that may name each other as dependencies into an order in which each stands after those that it waits for,
 * as close to the given order as that allows. Dependencies on other tasks are left to the ledger.
 */
export function orderGraph(tasks: readonly NewTask[]): OrderedGraph {
  const byId = new Map<string, NewTask>();
  for (const task of tasks) {
    if (byId.has(task.id)) return { ok: false, fault: { kind: 'twice', id: task.id } };
    if (task.dependencies.includes(task.id)) return { ok: false, fault: { kind: 'itself', id: task.id } };
    byId.set(task.id, task);
  }
  const ordered: NewTask[] = [];
  const done = new Set<string>();
  /** The way from a task down its dependencies, and how far each of its tasks has got. Not recursive: chains are long. */
  const way: { readonly task: NewTask; next: number }[] = [];
  const onWay = new Set<string>();
  for (const start of tasks) {
    if (done.has(start.id)) continue;
    way.push({ task: start, next: 0 });
    onWay.add(start.id);
    for (let here = way.at(-1); here !== undefined; here = way.at(-1)) {
      const parent = byId.get(here.task.dependencies[here.next] ?? '');
      if (here.next >= here.task.dependencies.length) {
        way.pop();
        onWay.delete(here.task.id);
        done.add(here.task.id);
        ordered.push(here.task);
      } else if (parent !== undefined && onWay.has(parent.id)) {
        const ids = way.map(({ task }) => task.id);
        return { ok: false, fault: { kind: 'cycle', ids: ids.slice(ids.indexOf(parent.id)) } };
      } else {
        here.next++;
        if (parent !== undefined && !done.has(parent.id)) {
          way.push({ task: parent, next: 0 });
          onWay.add(parent.id);
        }
      }
    }
  }
  return { ok: true, tasks: ordered };
}
