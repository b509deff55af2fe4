import { type DynamicModule, Module } from '@nestjs/common';
import { HeartbeatsController } from './heartbeats.controller.js';
import { Heartbeats } from './heartbeats.js';

@Module({})
export class HeartbeatsModule {
  static with(heartbeats: Heartbeats): DynamicModule {
    return {
      module: HeartbeatsModule,
      controllers: [HeartbeatsController],
      providers: [{ provide: Heartbeats, useValue: heartbeats }],
    };
  }
}
