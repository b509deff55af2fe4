import { Module } from '@nestjs/common';
import { AuditController } from './audit.controller.js';
import { AuditRetentionLoop } from './audit.loop.js';
import { Audit } from './audit.service.js';

/** Who did which administrative act. */
@Module({ controllers: [AuditController], providers: [Audit, AuditRetentionLoop], exports: [Audit] })
export class AuditModule {}
