import { type DynamicModule, Module } from '@nestjs/common';
import { Database } from '../platform/database/database.js';
import { ActionsService } from './actions/actions.service.js';
import { type Executor } from './executors/executor.js';
import { GatewayController } from './http/gateway.controller.js';
import { EXECUTORS } from './tokens.js';

export interface GatewayParts {
  readonly database: Database;
  readonly actions: ActionsService;
  readonly executors: readonly Executor[];
  /** The routes of features. */
  readonly imports: readonly DynamicModule[];
}

@Module({})
export class GatewayModule {
  static with({ database, actions, executors, imports }: GatewayParts): DynamicModule {
    return {
      module: GatewayModule,
      imports: [...imports],
      controllers: [GatewayController],
      providers: [
        { provide: Database, useValue: database },
        { provide: ActionsService, useValue: actions },
        { provide: EXECUTORS, useValue: executors },
      ],
    };
  }
}
