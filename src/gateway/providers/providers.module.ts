import { type DynamicModule, Module } from '@nestjs/common';
import { CompletionsController } from './http/completions.controller.js';
import { CompletionsService } from './http/completions.service.js';
import { ProvidersController } from './http/providers.controller.js';
import { ProvidersOverview } from './providers-overview.js';
import { ProvidersUsage } from './usage.service.js';

export interface ProvidersParts {
  readonly completions: CompletionsService;
  readonly overview: ProvidersOverview;
  readonly usage: ProvidersUsage;
}

@Module({})
export class ProvidersModule {
  static with({ completions, overview, usage }: ProvidersParts): DynamicModule {
    return {
      module: ProvidersModule,
      controllers: [CompletionsController, ProvidersController],
      providers: [
        { provide: CompletionsService, useValue: completions },
        { provide: ProvidersOverview, useValue: overview },
        { provide: ProvidersUsage, useValue: usage },
      ],
    };
  }
}
