import { Module } from '@nestjs/common';
import { GatewayClient } from './gateway-client.js';

/** The way to the gateways: what they are asked, and what their answers mean. */
@Module({ providers: [GatewayClient], exports: [GatewayClient] })
export class GatewayClientModule {}
