import { Body, Controller, Get, HttpCode, Post } from '@nestjs/common';
import { ApiBody, ApiOkResponse, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import { ErrorView } from '../http/gateway.dto.js';
import { HttpRefusal } from '../http/http-refusal.js';
import { SkillLibrary } from './skill-library.js';
import { MatchBody, MatchView, SkillsView } from './skills.dto.js';

@ApiTags('skills')
@ApiResponse({ status: 401, type: ErrorView, description: 'The bearer token is missing or wrong.' })
@Controller('skills')
export class SkillsController {
  constructor(private readonly library: SkillLibrary) {}

  @Get()
  @ApiOperation({ summary: 'Show the skills that prompts can draw on' })
  @ApiOkResponse({ type: SkillsView })
  list(): SkillsView {
    return {
      skills: this.library.all.map(({ name, description, source, size }) => ({
        name,
        description,
        source,
        size,
      })),
    };
  }

  @Post('match')
  @HttpCode(200)
  @ApiOperation({ summary: 'Show what skills would add to a prompt' })
  @ApiBody({ type: MatchBody })
  @ApiOkResponse({ type: MatchView })
  @ApiResponse({ status: 400, type: ErrorView, description: 'The body has no query.' })
  match(@Body() body: unknown): MatchView {
    const { blocks, text } = this.library.match(queryOf(body));
    return {
      blocks: blocks.map((block) => ({
        name: block.skill.name,
        always_on: block.alwaysOn,
        score: block.score,
        text: block.text,
      })),
      guidance: text,
    };
  }
}

function queryOf(body: unknown): string {
  if (typeof body !== 'object' || body === null) throw new HttpRefusal(400, 'Invalid JSON body.');
  const query = 'query' in body ? body.query : undefined;
  if (typeof query !== 'string') throw new HttpRefusal(400, "'query' must be a string.");
  return query;
}
