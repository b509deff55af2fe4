import { type DynamicModule, Module } from '@nestjs/common';
import { SkillLibrary } from './skill-library.js';
import { SkillsController } from './skills.controller.js';

@Module({})
export class SkillsModule {
  static with(library: SkillLibrary): DynamicModule {
    return {
      module: SkillsModule,
      controllers: [SkillsController],
      providers: [{ provide: SkillLibrary, useValue: library }],
    };
  }
}
