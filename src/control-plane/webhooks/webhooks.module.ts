import { Module } from '@nestjs/common';
import { IdempotencyModule } from '../idempotency/index.js';
import { Deliveries } from './deliveries.service.js';
import { WebhookReaderLoop } from './reader.loop.js';
import { WebhookSecrets } from './secrets.js';
import { WebhookSender } from './sender.js';
import { WebhookSenderLoop } from './sender.loop.js';
import { WebhooksUpkeepLoop } from './upkeep.loop.js';
import { WebhooksController } from './webhooks.controller.js';
import { WebhooksService } from './webhooks.service.js';

/** Tells others of events, over HTTP. */
@Module({
  imports: [IdempotencyModule],
  controllers: [WebhooksController],
  providers: [
    WebhooksService,
    WebhookSecrets,
    WebhookSender,
    Deliveries,
    WebhookReaderLoop,
    WebhookSenderLoop,
    WebhooksUpkeepLoop,
  ],
})
export class WebhooksModule {}
