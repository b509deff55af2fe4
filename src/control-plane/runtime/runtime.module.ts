import { type DynamicModule, Global, Module } from '@nestjs/common';
import { ScheduleModule } from '@nestjs/schedule';
import { TypeOrmModule } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { databaseOf } from '../../platform/database/connect.js';
import { Database } from '../../platform/database/database.js';
import { Wakeups } from '../../platform/database/wakeups.js';
import { ScheduleClock } from '../../platform/loops/schedule-clock.js';
import { type Logger } from '../../platform/logging/logger.js';
import { Meter } from '../../platform/metrics/meter.js';
import { Tracer } from '../../platform/tracing/tracer.js';
import { type ControlPlaneConfig } from '../config.js';
import { HealthRegistry } from './health-registry.js';
import { CONFIG, LOGGER, REPLICA } from './tokens.js';
import { TracerLifecycle } from './tracer-lifecycle.js';
import { Waiting } from './waiting.js';
import { WakeupsLifecycle } from './wakeups-lifecycle.js';

export interface RuntimeOptions {
  readonly config: ControlPlaneConfig;
  readonly logger: Logger;
  /** An initialised and migrated data source; the module closes it at the very end of the shutdown. */
  readonly dataSource: DataSource;
  readonly databaseUrl: string;
  /** Names this process among the replicas; new at every start. */
  readonly replica: string;
  /** The module closes it at the end of the shutdown. */
  readonly tracer: Tracer;
}

/** What every module of the control plane stands on: settings, log, clock, database, wake-ups. */
@Global()
@Module({})
export class RuntimeModule {
  static with({ config, logger, dataSource, databaseUrl, replica, tracer }: RuntimeOptions): DynamicModule {
    return {
      module: RuntimeModule,
      imports: [
        ScheduleModule.forRoot(),
        TypeOrmModule.forRootAsync({
          useFactory: () => ({ ...dataSource.options }),
          dataSourceFactory: () => Promise.resolve(dataSource),
        }),
      ],
      providers: [
        { provide: CONFIG, useValue: config },
        { provide: LOGGER, useValue: logger },
        { provide: REPLICA, useValue: replica },
        { provide: Tracer, useValue: tracer },
        TracerLifecycle,
        { provide: Database, inject: [DataSource], useFactory: databaseOf },
        {
          provide: Wakeups,
          inject: [Database],
          useFactory: (database: Database) => new Wakeups(database, databaseUrl, logger),
        },
        WakeupsLifecycle,
        Waiting,
        ScheduleClock,
        HealthRegistry,
        Meter,
      ],
      exports: [
        CONFIG,
        LOGGER,
        REPLICA,
        Tracer,
        Database,
        Wakeups,
        Waiting,
        ScheduleClock,
        HealthRegistry,
        Meter,
      ],
    };
  }
}
