import { Module } from '@nestjs/common';
import { GatewayClient } from './gateway-client.js';
import { AccessService } from './openclaw/access.service.js';
import { OpenClawProtocol } from './openclaw/openclaw-protocol.js';
import { SkynetProtocol } from './skynet/skynet-protocol.js';

/** The way to the gateways: what they are asked, and what their answers mean. */
@Module({
  providers: [SkynetProtocol, AccessService, OpenClawProtocol, GatewayClient],
  exports: [GatewayClient],
})
export class GatewayClientModule {}
