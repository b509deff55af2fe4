import { describe, expect, it } from '@jest/globals';
import { GATE } from '../../ledger/index.js';
import { byReason, byStatus, isBacklogPartial, type Standing } from './task-counts.js';

const BOUND = 10;
const standing = (status: string, gate: number, tasks: number): Standing => ({ status, gate, tasks });
const exactly = (count: number) => ({ count, isPartial: false });
const atLeast = (count: number) => ({ count, isPartial: true });

describe('tasks by status', () => {
  it('are added up over their gates, each group to its own bound', () => {
    const counts = byStatus(
      [
        standing('queued', GATE.runnable, 2),
        standing('queued', GATE.waitsForFile, 3),
        standing('released', GATE.runnable, 1),
        standing('running', GATE.held, 9),
        standing('claimed', GATE.held, 1),
      ],
      BOUND,
    );
    expect(counts).toEqual({
      ...{ queued: exactly(5), released: exactly(1) },
      ...{ claimed: atLeast(1), running: atLeast(9) },
      ...{ failed: exactly(0), failed_timeout: exactly(0) },
    });
  });
});

describe('tasks by what they wait for', () => {
  const few = [standing('queued', GATE.runnable, 2), standing('queued', GATE.waitsForKey, 3)];
  const many = [standing('queued', GATE.runnable, 4), standing('queued', GATE.waitsForDependencies, 6)];

  it('are exact while all of the backlog was counted', () => {
    expect(isBacklogPartial([...few, standing('running', GATE.held, 10)], BOUND)).toBe(false);
    expect(byReason(few, null)).toEqual({
      ...{ ready: exactly(2), dependencies: exactly(0), files: exactly(0), time: exactly(0) },
      key: exactly(3),
    });
  });

  it('are, behind the bound, what was counted by itself, and of the others the least', () => {
    expect(isBacklogPartial(many, BOUND)).toBe(true);
    const alone = { ready: exactly(7), files: atLeast(10), time: exactly(0), key: exactly(0) };
    expect(byReason(many, alone)).toEqual({ ...alone, dependencies: atLeast(6) });
  });

  it('are never fewer than were seen, whatever was counted a moment later', () => {
    const alone = { ready: exactly(1), files: exactly(0), time: exactly(0), key: exactly(0) };
    expect(byReason(many, alone).ready).toEqual(atLeast(4));
  });
});
