import { ApiProperty } from '@nestjs/swagger';

export class SkillView {
  /** Its name; no two skills have names that differ in case alone. */
  @ApiProperty({ example: 'code-review' })
  name!: string;
  /** What it is for. */
  description!: string;
  /** The address that it was fetched from, or the path of its file in the folder of skills. */
  source!: string;
  /** Bytes of its file. */
  @ApiProperty({ type: 'integer' })
  size!: number;
}

export class SkillsView {
  /** All skills, at most 10000 of each folder. */
  skills!: SkillView[];
}

/** What a prompt is about. */
export class MatchBody {
  /** The request that a model is to be asked about; its first 10000 characters count. */
  @ApiProperty({ example: 'Review the changes of this branch.' })
  query!: string;
}

export class BlockView {
  /** The skill. */
  name!: string;
  /** Whether it is part of every prompt. */
  always_on!: boolean;
  /** How well it matches: ten for its name, one for each longer word of the query. */
  @ApiProperty({ type: 'integer' })
  score!: number;
  /** Its part of the prompt. */
  text!: string;
}

export class MatchView {
  /** The parts of the prompt, in their order. */
  blocks!: BlockView[];
  /** All that goes into the prompt: the parts in their frame, at most 6000 characters; empty without parts. */
  guidance!: string;
}
