import { type DynamicModule, Module } from '@nestjs/common';
import { SentinelController } from './sentinel.controller.js';
import { Sentinel } from './sentinel.js';

@Module({})
export class SentinelModule {
  static with(sentinel: Sentinel): DynamicModule {
    return {
      module: SentinelModule,
      controllers: [SentinelController],
      providers: [{ provide: Sentinel, useValue: sentinel }],
    };
  }
}
