import { type DynamicModule, Module } from '@nestjs/common';
import { Database } from '../platform/database/database.js';
import { Tracer } from '../platform/tracing/tracer.js';
import { ActionsService } from './actions/actions.service.js';
import { Executors } from './executors/executors.js';
import { GatewayController } from './http/gateway.controller.js';
import { SshTunnel } from './ssh/index.js';

export interface GatewayParts {
  readonly database: Database;
  readonly actions: ActionsService;
  readonly executors: Executors;
  readonly ssh: SshTunnel;
  readonly tracer: Tracer;
  /** The features that have routes of their own. */
  readonly features: readonly DynamicModule[];
}

@Module({})
export class GatewayModule {
  static with({ database, actions, executors, ssh, tracer, features }: GatewayParts): DynamicModule {
    return {
      module: GatewayModule,
      imports: [...features],
      controllers: [GatewayController],
      providers: [
        { provide: Database, useValue: database },
        { provide: ActionsService, useValue: actions },
        { provide: Executors, useValue: executors },
        { provide: SshTunnel, useValue: ssh },
        { provide: Tracer, useValue: tracer },
      ],
    };
  }
}
