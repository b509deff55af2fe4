import { Module } from '@nestjs/common';
import { LedgerModule } from '../ledger/index.js';
import { RegistryModule } from '../registry/index.js';
import { OverviewController } from './overview.controller.js';

@Module({ imports: [LedgerModule, RegistryModule], controllers: [OverviewController] })
export class OverviewModule {}
