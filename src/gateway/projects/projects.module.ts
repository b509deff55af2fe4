import { type DynamicModule, Module } from '@nestjs/common';
import { ProjectStreams } from './project-streams.js';
import { ProjectsController } from './projects.controller.js';
import { ProjectsService } from './projects.service.js';

/** The HTTP routes of projects. */
@Module({})
export class ProjectsModule {
  static with(projects: ProjectsService, streams: ProjectStreams): DynamicModule {
    return {
      module: ProjectsModule,
      controllers: [ProjectsController],
      providers: [
        { provide: ProjectsService, useValue: projects },
        { provide: ProjectStreams, useValue: streams },
      ],
    };
  }
}
