import { Injectable } from '@nestjs/common';
import { Database } from '../../platform/database/database.js';
import { Problem } from '../../platform/problems/problem.js';
import { type ApprovalRequest, GatewayClient } from '../gateway-client/index.js';
import { type ClaimProof, TaskNotes } from '../ledger/index.js';
import { RegistryService } from '../registry/index.js';
import {
  type Approval,
  decideApproval,
  findApproval,
  listApprovals,
  noteApproval,
} from './approvals.queries.js';

/** What is noted of a request that its gateway no longer knows. */
const LAPSED = 'lapsed';

/** Commands that gateways ask about while they execute tasks, and what people answer. */
@Injectable()
export class ApprovalsService {
  constructor(
    private readonly database: Database,
    private readonly notes: TaskNotes,
    private readonly registry: RegistryService,
    private readonly client: GatewayClient,
  ) {}

  /** A gateway asks about a command of a task that is held. Does nothing when it has asked before, or the claim is lost. */
  async requested(proof: ClaimProof, gatewayId: string, request: ApprovalRequest): Promise<void> {
    const { taskId } = proof;
    await this.database.transaction(async (tx) => {
      const approval = await noteApproval(tx, { taskId, gatewayId }, request);
      if (approval === null) return;
      await this.notes.add(tx, proof, {
        type: 'approval_requested',
        message: 'The gateway asks whether it may run a command.',
        payload: {
          ...{ approval_id: approval.approvalId, command: approval.command, cwd: approval.cwd },
          ...{ decisions: approval.decisions, expires_at: approval.expiresAt },
        },
      });
    });
  }

  /** Somebody has answered, here or at the gateway. Told once. */
  async resolved(taskId: string, approvalId: string, decision: string): Promise<void> {
    await this.decide({ taskId, approvalId }, decision);
  }

  /** The requests of a task, those that wait first. */
  list(taskId: string): Promise<Approval[]> {
    return listApprovals(this.database, taskId);
  }

  /**
   * Answers a request at the gateway that asks. The same answer again is fine. Throws when there is no such request, when it
   * has another answer or none any more, and when the gateway cannot be asked.
   */
  async answer(taskId: string, approvalId: string, decision: string): Promise<Approval> {
    const approval = await findApproval(this.database, taskId, approvalId);
    if (approval === null) {
      throw new Problem('approval-not-found', `Task '${taskId}' has no approval '${approvalId}'.`);
    }
    if (approval.decision === decision) return approval;
    if (approval.decision !== null) throw answered(approval.decision);
    if (approval.decisions.length > 0 && !approval.decisions.includes(decision)) {
      throw new Problem('bad-request', `The gateway takes ${approval.decisions.join(' or ')} for an answer.`);
    }
    const gateway = await this.registry.findGateway(approval.gatewayId);
    if (gateway === null) throw new Problem('gateway-not-found', `Gateway '${approval.gatewayId}' is gone.`);
    const outcome = await this.client.approve(gateway, approvalId, decision).catch((error: unknown) => {
      const why = error instanceof Error ? error.message : 'unknown error';
      throw new Problem('gateway-unreachable', `Gateway ${gateway.gatewayId} unreachable: ${why}`);
    });
    const final = outcome === 'resolved' ? decision : LAPSED;
    const decided =
      (await this.decide({ taskId, approvalId }, final)) ??
      (await findApproval(this.database, taskId, approvalId)) ??
      approval;
    if (decided.decision !== decision) throw answered(decided.decision ?? LAPSED);
    return decided;
  }

  private decide(
    id: { readonly taskId: string; readonly approvalId: string },
    decision: string,
  ): Promise<Approval | null> {
    return this.database.transaction(async (tx) => {
      const approval = await decideApproval(tx, id, decision.slice(0, 100));
      if (approval === null) return null;
      await this.notes.add(
        tx,
        { taskId: id.taskId },
        {
          type: 'approval_resolved',
          message: `The command was answered: ${approval.decision ?? ''}.`,
          payload: { approval_id: approval.approvalId, decision: approval.decision },
        },
      );
      return approval;
    });
  }
}

function answered(decision: string): Problem {
  const why = decision === LAPSED ? 'The gateway no longer waits for it.' : `It was answered: ${decision}.`;
  return new Problem('approval-answered', why);
}
