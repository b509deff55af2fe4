import { ApiProperty } from '@nestjs/swagger';

export class FactView {
  /** What the fact is called; no two facts of a person share it. */
  @ApiProperty({ example: 'editor' })
  key!: string;
  /** What is remembered. */
  @ApiProperty({ example: 'Uses Vim, and likes short answers.' })
  text!: string;
  /** Since when it says so. */
  @ApiProperty({ type: 'string', format: 'date-time' })
  remembered_at!: string;
}

export class ProfileView {
  /** The person, as Telegram knows them. */
  @ApiProperty({ type: 'integer' })
  telegram_user_id!: number;
  /** Whether anything new may be remembered, and what is remembered be used. */
  memory_enabled!: boolean;
  /** What is remembered, oldest first; at most 200. */
  facts!: FactView[];
  /** Since when there is a profile. */
  @ApiProperty({ type: 'string', format: 'date-time' })
  created_at!: string;
}

/** Something to remember. */
export class FactBody {
  /** What is to be remembered, at most 1000 characters. */
  @ApiProperty({ example: 'Uses Vim, and likes short answers.' })
  text!: string;
}

/** Something to forget. */
export class ForgetBody {
  /** The key of a fact, its text, or a part of its text of at least three characters; in any case. */
  @ApiProperty({ example: 'editor' })
  key_or_text!: string;
}

export class ForgottenView {
  /** The person. */
  @ApiProperty({ type: 'integer' })
  telegram_user_id!: number;
  /** The keys of what was forgotten; empty when nothing fitted. */
  forgotten!: string[];
}

/** Whether a person may be remembered. */
export class MemoryPolicyBody {
  /** Whether anything may be remembered from now on. */
  enabled!: boolean;
}
