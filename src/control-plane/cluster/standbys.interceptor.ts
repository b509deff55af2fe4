import { type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import { type FastifyRequest } from 'fastify';
import { from, lastValueFrom, type Observable } from 'rxjs';
import { isSkyclaw } from '../auth/index.js';
import { type Standbys } from './standbys.service.js';

const READS = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Holds every change over the SkyClaw routes to the standbys. Installed only where standbys are asked for. */
export class StandbysInterceptor implements NestInterceptor {
  constructor(private readonly standbys: Standbys) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    if (READS.has(request.method) || !isSkyclaw(request)) return next.handle();
    return from(
      this.standbys.guard(() =>
        lastValueFrom<unknown, undefined>(next.handle(), { defaultValue: undefined }),
      ),
    );
  }
}
