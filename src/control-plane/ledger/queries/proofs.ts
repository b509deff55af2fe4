import { type ClaimProof } from '../domain/task.js';

/** Proofs as three arrays, for `unnest`. */
export function columnsOf(proofs: readonly ClaimProof[]): unknown[] {
  return [
    proofs.map((proof) => proof.taskId),
    proofs.map((proof) => proof.workerId),
    proofs.map((proof) => proof.claimToken),
  ];
}
