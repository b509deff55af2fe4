import { applyDecorators } from '@nestjs/common';
import { ApiResponse } from '@nestjs/swagger';
import { type ProblemKind, problems } from '../problems/problems.js';

/** Troubles that any route may have; `invalid-request` and 401 are told by each since all take input behind a key. */
const COMMON: readonly ProblemKind[] = [
  'invalid-request',
  'unauthorized',
  'rate-limited',
  'database-unavailable',
];

/** Lists in the API's description which problems a route answers with, besides those that all have in common. */
export function ApiProblems(...kinds: ProblemKind[]): MethodDecorator {
  const byStatus = new Map<number, string[]>();
  for (const kind of [...kinds, ...COMMON]) {
    const { status, title } = problems[kind];
    byStatus.set(status, [...(byStatus.get(status) ?? []), `${title} (\`${kind}\`)`]);
  }
  return applyDecorators(
    ...[...byStatus].map(([status, titles]) => ApiResponse({ status, description: `${titles.join('; ')}.` })),
  );
}
