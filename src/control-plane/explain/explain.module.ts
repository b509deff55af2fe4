import { Module } from '@nestjs/common';
import { LedgerModule } from '../ledger/index.js';
import { RegistryModule } from '../registry/index.js';
import { ExplainController, ExplainJobController } from './explain.controller.js';
import { ExplainService } from './explain.service.js';

/** Why a task is not running: joins what the ledger and the registry know. */
@Module({
  imports: [LedgerModule, RegistryModule],
  controllers: [ExplainController, ExplainJobController],
  providers: [ExplainService],
})
export class ExplainModule {}
