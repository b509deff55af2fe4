import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/index.js';
import { IdempotencyService } from './idempotency.service.js';

@Module({ imports: [AuditModule], providers: [IdempotencyService], exports: [IdempotencyService] })
export class IdempotencyModule {}
