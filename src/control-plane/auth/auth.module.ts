import { Module } from '@nestjs/common';
import { RunTokens } from './run-tokens.js';

/** What stands for a claim, issued where tasks are claimed and read where requests come in. */
@Module({ providers: [RunTokens], exports: [RunTokens] })
export class AuthModule {}
