import { Injectable } from '@nestjs/common';
import { type FastifyRequest } from 'fastify';
import { Problem } from '../../platform/problems/problem.js';
import { IdempotencyService } from '../idempotency/index.js';
import { type Pause, type PauseTarget } from './domain/pause.js';
import { type PauseRequest, type PauseState } from './pauses.dto.js';
import { PausesService } from './pauses.service.js';

/** What an operator says of a pause, once under an idempotency key. */
@Injectable()
export class PauseOrders {
  constructor(
    private readonly pauses: PausesService,
    private readonly idempotency: IdempotencyService,
  ) {}

  pause(request: FastifyRequest, target: PauseTarget, { reason }: PauseRequest): Promise<PauseState> {
    return this.idempotency.run(request, async (db) => {
      const pause = await this.pauses.pause(db, target, reason.trim());
      if (pause === null) throw notRegistered(target.name);
      return pauseState(pause);
    });
  }

  resume(request: FastifyRequest, target: PauseTarget): Promise<PauseState> {
    return this.idempotency.run(request, async (db) => {
      if (!(await this.pauses.resume(db, target))) throw notRegistered(target.name);
      return { ...target, paused: false, reason: '', paused_at: null };
    });
  }
}

export function pauseState({ scope, name, reason, pausedAt }: Pause): PauseState {
  return { scope, name, paused: true, reason, paused_at: pausedAt };
}

export function notRegistered(gatewayId: string): Problem {
  return new Problem('gateway-not-found', `Gateway '${gatewayId}' is not registered.`);
}
