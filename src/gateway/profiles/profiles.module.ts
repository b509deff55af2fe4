import { type DynamicModule, Module } from '@nestjs/common';
import { type Database } from '../../platform/database/database.js';
import { ProfilesController } from './profiles.controller.js';
import { ProfilesService } from './profiles.service.js';

@Module({})
export class ProfilesModule {
  static with(database: Database): DynamicModule {
    return {
      module: ProfilesModule,
      controllers: [ProfilesController],
      providers: [{ provide: ProfilesService, useValue: new ProfilesService(database) }],
    };
  }
}
