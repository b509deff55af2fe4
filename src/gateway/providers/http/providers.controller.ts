import { Controller, Get } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ProvidersOverview } from '../providers-overview.js';
import { ProvidersView } from './providers.dto.js';

@ApiTags('models')
@Controller('providers')
export class ProvidersController {
  constructor(private readonly overview: ProvidersOverview) {}

  @Get()
  @ApiOperation({ summary: 'Which model providers are usable, and why others are not' })
  @ApiOkResponse({ type: ProvidersView })
  list(): Promise<ProvidersView> {
    return this.overview.show();
  }
}
