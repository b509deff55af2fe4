import { Body, Controller, Get, HttpCode, Post, Res, UseFilters } from '@nestjs/common';
import { ApiBody, ApiOkResponse, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import { type FastifyReply } from 'fastify';
import { Route } from '../../../platform/http/route.decorator.js';
import { CompletionsService } from './completions.service.js';
import { CompletionBody, CompletionView, ModelsView, OpenAiErrorView } from './completions.dto.js';
import { OpenAiErrorFilter } from './openai-error.js';

@ApiTags('models')
@ApiResponse({ status: 401, type: OpenAiErrorView, description: 'The bearer token is missing or wrong.' })
@UseFilters(OpenAiErrorFilter)
@Controller('v1')
export class CompletionsController {
  constructor(private readonly completions: CompletionsService) {}

  @Post('chat/completions')
  @HttpCode(200)
  @Route({ errors: 'openai' })
  @ApiOperation({
    summary: 'Have a model answer, in the format of OpenAI',
    description:
      'The provider is chosen by `model`, `task_type`, quotas and cool-downs, and told in `x-skynet-provider`. `n`, ' +
      '`stop`, `response_format` and forced tools are refused; fields that are not named here are ignored.',
  })
  @ApiBody({ type: CompletionBody })
  @ApiOkResponse({
    type: CompletionView,
    description: 'The answer; with `stream` Server-Sent Events of chat.completion.chunk.',
    headers: { 'x-skynet-provider': { description: 'Who answered.', schema: { type: 'string' } } },
  })
  @ApiResponse({ status: 400, type: OpenAiErrorView, description: 'The request is wrong, or too long.' })
  @ApiResponse({ status: 404, type: OpenAiErrorView, description: 'There is no such model.' })
  @ApiResponse({ status: 413, type: OpenAiErrorView, description: 'The body is larger than 8 MiB.' })
  @ApiResponse({ status: 429, type: OpenAiErrorView, description: 'All failed, the last one by its limits.' })
  @ApiResponse({ status: 502, type: OpenAiErrorView, description: 'All providers failed.' })
  @ApiResponse({ status: 503, type: OpenAiErrorView, description: 'Nobody can be asked now.' })
  @ApiResponse({ status: 504, type: OpenAiErrorView, description: 'It took longer than 180 s.' })
  complete(@Body() body: unknown, @Res() reply: FastifyReply): Promise<void> {
    return this.completions.answer(body, reply);
  }

  @Get('models')
  @Route({ errors: 'openai' })
  @ApiOperation({ summary: 'What can be asked for as `model`' })
  @ApiOkResponse({ type: ModelsView })
  models(): ModelsView {
    return this.completions.models();
  }
}
