import { Body, Controller, Get, HttpCode, Param, Post, Put } from '@nestjs/common';
import { ApiBody, ApiOkResponse, ApiOperation, ApiParam, ApiResponse, ApiTags } from '@nestjs/swagger';
import { ErrorView } from '../http/gateway.dto.js';
import { HttpRefusal } from '../http/http-refusal.js';
import {
  type Read,
  readEnabled,
  readFact,
  readKey,
  readKeyOrText,
  readUserId,
} from './domain/profile-request.js';
import { FactBody, ForgetBody, ForgottenView, MemoryPolicyBody, ProfileView } from './profiles.dto.js';
import { ProfilesService, type ProfileWithFacts, type Refusal } from './profiles.service.js';

const REFUSALS: Readonly<Record<Refusal, string>> = {
  'memory-off': 'Memory is switched off for this user.',
  full: 'There is no room for another fact; forget one first.',
};

const UserId = () => Param('telegram_user_id');

@ApiTags('profiles')
@ApiParam({ name: 'telegram_user_id', description: 'The person, as Telegram knows them.' })
@ApiResponse({
  status: 400,
  type: ErrorView,
  description: 'The user is no number, or the body is not a request.',
})
@ApiResponse({ status: 401, type: ErrorView, description: 'The bearer token is missing or wrong.' })
@Controller('profile/:telegram_user_id')
export class ProfilesController {
  constructor(private readonly profiles: ProfilesService) {}

  @Get()
  @ApiOperation({ summary: 'Show what is remembered of a person' })
  @ApiOkResponse({ type: ProfileView })
  @ApiResponse({ status: 404, type: ErrorView, description: 'There is no such profile.' })
  async get(@UserId() user: string): Promise<ProfileView> {
    return view(await this.profiles.find(userOf(user)));
  }

  @Put()
  @ApiOperation({ summary: 'Make a profile, if there is none' })
  @ApiOkResponse({ type: ProfileView })
  async put(@UserId() user: string): Promise<ProfileView> {
    return view(await this.profiles.findOrAdd(userOf(user)));
  }

  @Put('facts/:key')
  @ApiParam({
    name: 'key',
    description: 'What the fact is called, at most 100 characters; the case does not count.',
  })
  @ApiOperation({ summary: 'Remember a fact, in the place of what its key said before' })
  @ApiBody({ type: FactBody })
  @ApiOkResponse({ type: ProfileView })
  @ApiResponse({
    status: 409,
    type: ErrorView,
    description: 'Memory is switched off, or there are 200 facts.',
  })
  async remember(
    @UserId() user: string,
    @Param('key') key: string,
    @Body() body: unknown,
  ): Promise<ProfileView> {
    const userId = userOf(user);
    const fact = valueOf(readFact(field(body, 'text')));
    const outcome = await this.profiles.remember(userId, valueOf(readKey(key)), fact);
    if (outcome !== 'remembered') throw new HttpRefusal(409, REFUSALS[outcome]);
    return view(await this.profiles.find(userId));
  }

  @Post('forget')
  @HttpCode(200)
  @ApiOperation({ summary: 'Forget what has a key or a text, or contains it' })
  @ApiBody({ type: ForgetBody })
  @ApiOkResponse({ type: ForgottenView })
  @ApiResponse({ status: 404, type: ErrorView, description: 'There is no such profile.' })
  async forget(@UserId() user: string, @Body() body: unknown): Promise<ForgottenView> {
    const userId = userOf(user);
    const keyOrText = valueOf(readKeyOrText(field(body, 'key_or_text')));
    const forgotten = await this.profiles.forget(userId, keyOrText);
    if (forgotten === null) throw unknownUser();
    return { telegram_user_id: userId, forgotten: [...forgotten] };
  }

  @Post('memory-policy')
  @HttpCode(200)
  @ApiOperation({ summary: 'Let things be remembered of a person, or no longer' })
  @ApiBody({ type: MemoryPolicyBody })
  @ApiOkResponse({ type: ProfileView })
  @ApiResponse({ status: 404, type: ErrorView, description: 'There is no such profile.' })
  async setMemory(@UserId() user: string, @Body() body: unknown): Promise<ProfileView> {
    const userId = userOf(user);
    return view(await this.profiles.setMemory(userId, valueOf(readEnabled(field(body, 'enabled')))));
  }
}

const unknownUser = () => new HttpRefusal(404, 'User not found.');

function userOf(text: string): number {
  const userId = valueOf(readUserId(text));
  if (userId === null) throw unknownUser();
  return userId;
}

function valueOf<T>(read: Read<T>): T {
  if ('trouble' in read) throw new HttpRefusal(400, read.trouble);
  return read.value;
}

function field(body: unknown, name: string): unknown {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw new HttpRefusal(400, 'Invalid JSON body.');
  return (body as Record<string, unknown>)[name];
}

function view(profile: ProfileWithFacts | null): ProfileView {
  if (profile === null) throw unknownUser();
  const { userId, memoryEnabled, facts, createdAt } = profile;
  return {
    telegram_user_id: userId,
    memory_enabled: memoryEnabled,
    facts: facts.map(({ key, text, rememberedAt }) => ({ key, text, remembered_at: rememberedAt })),
    created_at: createdAt,
  };
}
