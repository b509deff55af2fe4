import {
  Body,
  Controller,
  Delete,
  Get,
  Headers,
  HttpCode,
  Param,
  Post,
  Query,
  Res,
  UsePipes,
} from '@nestjs/common';
import { ApiExtraModels, ApiHeader, ApiOkResponse, ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger';
import { type FastifyReply } from 'fastify';
import { ApiProblems } from '../../platform/http/api-problems.js';
import { decodeCursor, effectiveLimit, encodeCursor } from '../../platform/http/cursor.js';
import { DtoPipe } from '../../platform/http/dto.pipe.js';
import { Route } from '../../platform/http/route.decorator.js';
import { StorablePipe } from '../../platform/http/storable.pipe.js';
import { Problem } from '../../platform/problems/problem.js';
import { ProjectStreams } from './project-streams.js';
import { projectSummary, projectView } from './project-view.js';
import {
  AddIdeaRequest,
  CreateProjectRequest,
  EventView,
  ListProjectsQuery,
  ProjectEventsQuery,
  ProjectListResponse,
  ProjectResponse,
  RemovedProjectResponse,
} from './projects.dto.js';
import { ProjectsService } from './projects.service.js';

const Id = () => Param('id', StorablePipe);
const IdParam = () => ApiParam({ name: 'id', description: 'The id or the slug of the project.' });

/** Projects: from ideas to a plan to tasks. */
@ApiTags('projects')
@Controller('projects')
@UsePipes(DtoPipe)
export class ProjectsController {
  constructor(
    private readonly projects: ProjectsService,
    private readonly streams: ProjectStreams,
  ) {}

  @Post()
  @HttpCode(200)
  @Route({ errors: 'problem' })
  @ApiOperation({ summary: 'Make a project, with a folder, a README and a git repository' })
  @ApiOkResponse({ type: ProjectResponse })
  @ApiProblems('bad-request', 'project-exists', 'bootstrap-failed')
  async create(@Body() { name, description }: CreateProjectRequest): Promise<ProjectResponse> {
    return { project: projectView(await this.projects.create(name, description)) };
  }

  @Get()
  @Route({ errors: 'problem' })
  @ApiOperation({ summary: 'List projects, newest first' })
  @ApiOkResponse({ type: ProjectListResponse })
  @ApiProblems()
  async list(@Query() query: ListProjectsQuery): Promise<ProjectListResponse> {
    const limit = effectiveLimit(query.limit);
    if (limit === 0) return { projects: [] };
    const [createdAt = '', id = ''] =
      query.cursor === null ? [] : decodeCursor(query.cursor, ['instant', 'string']).map(String);
    const { projects, more } = await this.projects.list(createdAt === '' ? null : { createdAt, id }, limit);
    const last = projects.at(-1)?.project;
    return {
      projects: projects.map(({ project, ideas, done }) => projectSummary(project, ideas, done)),
      ...(more && last !== undefined ? { next_cursor: encodeCursor([last.createdAt, last.id]) } : {}),
    };
  }

  @Get(':id')
  @Route({ errors: 'problem' })
  @IdParam()
  @ApiOperation({ summary: 'A project with its ideas, its plan and how far its tasks are' })
  @ApiOkResponse({ type: ProjectResponse })
  @ApiProblems('project-not-found')
  async get(@Id() id: string): Promise<ProjectResponse> {
    return { project: projectView(await this.projects.get(id)) };
  }

  @Delete(':id')
  @Route({ errors: 'problem' })
  @IdParam()
  @ApiOperation({ summary: 'Forget a project that does not run; its folder stays' })
  @ApiOkResponse({ type: RemovedProjectResponse })
  @ApiProblems('project-not-found', 'project-state')
  async remove(@Id() id: string): Promise<RemovedProjectResponse> {
    const { id: removed, directory } = await this.projects.remove(id);
    return { removed, directory };
  }

  @Post(':id/ideas')
  @HttpCode(200)
  @Route({ errors: 'problem' })
  @IdParam()
  @ApiOperation({
    summary: 'Add an idea or a list of them, in ideation only',
    description:
      'All or none. With AUTO_APPROVE_AND_START the idea that makes AUTO_PLAN_MIN_IDEAS of them has the project planned, approved and started.',
  })
  @ApiOkResponse({ type: ProjectResponse })
  @ApiProblems('project-not-found', 'project-state')
  async addIdea(@Id() id: string, @Body() request: AddIdeaRequest): Promise<ProjectResponse> {
    return { project: projectView(await this.projects.addIdea(id, ...ideasOf(request))) };
  }

  @Post(':id/plan')
  @HttpCode(200)
  @Route({ errors: 'problem' })
  @IdParam()
  @ApiOperation({
    summary: 'Have a plan made of the ideas, or another one',
    description:
      'The plan is there when `waits_for` is `approval`. When none could be had the project is back in ideation, and `error` says why.',
  })
  @ApiOkResponse({ type: ProjectResponse })
  @ApiProblems('project-not-found', 'project-state')
  async plan(@Id() id: string): Promise<ProjectResponse> {
    return { project: projectView(await this.projects.plan(id)) };
  }

  @Post(':id/approve')
  @HttpCode(200)
  @Route({ errors: 'problem' })
  @IdParam()
  @ApiOperation({ summary: 'Approve the plan: the project runs as soon as a place is free' })
  @ApiOkResponse({ type: ProjectResponse })
  @ApiProblems('project-not-found', 'project-state')
  async approve(@Id() id: string): Promise<ProjectResponse> {
    return { project: projectView(await this.projects.approve(id)) };
  }

  @Post(':id/pause')
  @HttpCode(200)
  @Route({ errors: 'problem' })
  @IdParam()
  @ApiOperation({ summary: 'Begin none of its tasks until it is resumed; those that run go on' })
  @ApiOkResponse({ type: ProjectResponse })
  @ApiProblems('project-not-found', 'project-state')
  async pause(@Id() id: string): Promise<ProjectResponse> {
    return { project: projectView(await this.projects.pause(id)) };
  }

  @Post(':id/resume')
  @HttpCode(200)
  @Route({ errors: 'problem' })
  @IdParam()
  @ApiOperation({ summary: 'Let a paused project queue for a place again' })
  @ApiOkResponse({ type: ProjectResponse })
  @ApiProblems('project-not-found', 'project-state')
  async resume(@Id() id: string): Promise<ProjectResponse> {
    return { project: projectView(await this.projects.resume(id)) };
  }

  @Post(':id/cancel')
  @HttpCode(200)
  @Route({ errors: 'problem' })
  @IdParam()
  @ApiOperation({ summary: 'End a project, a paused one as well; its tasks are cancelled' })
  @ApiOkResponse({ type: ProjectResponse })
  @ApiProblems('project-not-found', 'project-state')
  async cancel(@Id() id: string): Promise<ProjectResponse> {
    return { project: projectView(await this.projects.cancel(id)) };
  }

  @Get(':id/events')
  @Route({ errors: 'problem' })
  @IdParam()
  @ApiExtraModels(EventView)
  @ApiOperation({
    summary: 'Follow a project as Server-Sent Events',
    description:
      'From its first event on, or after the one that `Last-Event-ID` or `after` names; none is missed, none comes twice. ' +
      'Each has its id as `id`, its type as `event`, and an `EventView` as `data`. After the last event of a project ' +
      'that has ended comes `end` with its `status`; of one that was forgotten the `status` is `removed`. An `end` ' +
      'with the `reason` `shutting-down` tells of the gateway, and the stream can be resumed.',
  })
  @ApiHeader({
    name: 'Last-Event-ID',
    required: false,
    description: 'The `id` of the last event that was received.',
    schema: { type: 'string' },
  })
  @ApiOkResponse({
    description: 'The stream.',
    content: { 'text/event-stream': { schema: { type: 'string' } } },
  })
  @ApiProblems('project-not-found', 'too-many-streams')
  async events(
    @Id() id: string,
    @Query() { after }: ProjectEventsQuery,
    @Headers('last-event-id') lastEventId: string | undefined,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const resumed = /^\d{1,15}$/.test(lastEventId ?? '') ? Number(lastEventId) : after;
    await this.streams.open(reply, id, resumed);
  }
}

/** What is in a request, without blanks. */
function ideasOf({ idea, ideas }: AddIdeaRequest): readonly string[] {
  const found = [...(idea === null ? [] : [idea]), ...ideas].filter((text) => text.trim() !== '');
  if (found.length > 0) return found;
  const msg = 'Give an idea, or ideas that are not all blank.';
  throw new Problem('invalid-request', msg, {
    issues: [{ type: 'missing', loc: ['body', 'idea'], msg, input: { idea, ideas } }],
  });
}
