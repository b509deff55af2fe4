import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { taskTypes } from '../domain/task-type.js';

export class CompletionBody {
  /** `auto`, a provider's name to ask it first, or `provider/model` for that one only. */
  @ApiProperty({ required: false, default: 'auto', maxLength: 200, example: 'auto' })
  model!: string;
  /** The conversation in OpenAI's format; texts only. */
  @ApiProperty({
    type: 'array',
    minItems: 1,
    maxItems: 2_000,
    items: { type: 'object', additionalProperties: true },
    example: [{ role: 'user', content: 'Say hello.' }],
  })
  messages!: object[];
  /** Tools of type function that the model may ask for. */
  @ApiProperty({
    required: false,
    type: 'array',
    maxItems: 128,
    items: { type: 'object', additionalProperties: true },
  })
  tools!: object[];
  /** `none` keeps the tools from the model. */
  @ApiProperty({ required: false, enum: ['auto', 'none'], default: 'auto' })
  tool_choice!: string;
  /** Whether the answer comes bit by bit, as Server-Sent Events. */
  @ApiProperty({ required: false, default: false })
  stream!: boolean;
  /** `{"include_usage": true}` ends a stream with the tokens that it took. */
  @ApiPropertyOptional({ type: 'object', additionalProperties: true })
  stream_options!: object;
  /** The longest answer, in tokens. */
  @ApiProperty({ required: false, type: 'integer', minimum: 1, maximum: 1_000_000 })
  max_completion_tokens!: number;
  /** The older name of max_completion_tokens. */
  @ApiProperty({ required: false, type: 'integer', minimum: 1, maximum: 1_000_000 })
  max_tokens!: number;
  /** 0 is the most likely answer; larger is more varied. */
  @ApiProperty({ required: false, minimum: 0, maximum: 2 })
  temperature!: number;
  /** What the request is for: some providers are asked first for it. Not of OpenAI's format. */
  @ApiProperty({ required: false, enum: taskTypes, default: 'general' })
  task_type!: string;
}

export class CompletionView {
  /** Names the answer. */
  id!: string;
  /** What this is. */
  @ApiProperty({ enum: ['chat.completion'] })
  object!: string;
  /** When it was made, in seconds since 1970. */
  @ApiProperty({ type: 'integer' })
  created!: number;
  /** Who answered, as `provider/model`. */
  model!: string;
  /** One choice with `message` and `finish_reason`. */
  @ApiProperty({ type: 'array', items: { type: 'object', additionalProperties: true } })
  choices!: object[];
  /** The tokens: `prompt_tokens`, `completion_tokens`, `total_tokens`. */
  @ApiProperty({ type: 'object', additionalProperties: { type: 'integer' } })
  usage!: object;
}

export class OpenAiErrorDetail {
  /** What went wrong. */
  message!: string;
  /** Its kind. */
  type!: string;
  /** The field in error. */
  @ApiProperty({ type: 'string', nullable: true })
  param!: string | null;
  /** A word for programs. */
  @ApiProperty({ type: 'string', nullable: true })
  code!: string | null;
}

export class OpenAiErrorView {
  /** The error. */
  error!: OpenAiErrorDetail;
}

export class ModelView {
  /** What to put into `model`. */
  id!: string;
  /** What this is. */
  @ApiProperty({ enum: ['model'] })
  object!: string;
  /** Always 0: when a model was made is not known here. */
  @ApiProperty({ type: 'integer' })
  created!: number;
  /** The provider, or `skynet` for `auto`. */
  owned_by!: string;
}

export class ModelsView {
  /** What this is. */
  @ApiProperty({ enum: ['list'] })
  object!: string;
  /** What can be asked for. */
  data!: ModelView[];
}
