import { Module } from '@nestjs/common';
import { ClientRates } from './client-rates.service.js';
import { RateLimitsUpkeepLoop } from './upkeep.loop.js';

/** How often clients may call, counted for all replicas together. */
@Module({ providers: [ClientRates, RateLimitsUpkeepLoop], exports: [ClientRates] })
export class RateLimitsModule {}
