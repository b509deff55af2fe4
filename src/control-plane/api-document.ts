import { type INestApplication } from '@nestjs/common';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { productVersion } from '../platform/product-version.js';
import { toOpenApi31 } from '../platform/http/openapi-31.js';
import { problems } from '../platform/problems/problems.js';

/** The API's description, from the code. `openapi.yaml` is this, written down. */
export function apiDocument(app: INestApplication): OpenAPIObject {
  const config = new DocumentBuilder()
    .setTitle('SKYNET Control Plane API')
    .setDescription(
      'Registers OpenClaw gateways and workers, keeps the ledger of tasks, and dispatches them. ' +
        'Errors are `{"detail": …}` on the routes that older clients know, and RFC 9457 problem documents on newer ones ' +
        'or wherever `Accept: application/problem+json` asks for them. Every POST honours `x-idempotency-key`.',
    )
    .setVersion(productVersion)
    .setOpenAPIVersion('3.1.0')
    .setLicense('MIT', 'https://opensource.org/license/mit')
    .addApiKey({ type: 'apiKey', in: 'header', name: 'X-API-Key' }, 'apiKey')
    .addApiKey({ type: 'apiKey', in: 'header', name: 'x-skyclaw-token' }, 'skyclawToken')
    .addBearerAuth({ type: 'http', scheme: 'bearer' }, 'bearer')
    .addApiKey(
      { type: 'apiKey', in: 'header', name: 'x-api-key', description: 'A key of the public API.' },
      'publicKey',
    )
    .addBearerAuth(
      { type: 'http', scheme: 'bearer', description: 'A key of the public API; it counts before x-api-key.' },
      'publicBearer',
    )
    .addSecurityRequirements('apiKey')
    .addSecurityRequirements('bearer')
    .build();
  const document = SwaggerModule.createDocument(app, config, {
    operationIdFactory: (controller, method) =>
      `${controller.replace(/Controller$/, '').toLowerCase()}_${method}`,
  });
  for (const [path, { post }] of Object.entries(document.paths)) {
    if (post !== undefined) describeMutation(post, !KEYLESS.test(path));
  }
  return toOpenApi31(document);
}

type Operation = NonNullable<OpenAPIObject['paths'][string]['post']>;

/** Sending those twice is the same as sending them once, without a key. */
const KEYLESS = /^\/v1\/(?:(?:network|replicate)\/|(?:jobs|services)\/\{id\}\/logs$)/;

/** What every POST has in common: its body has a limit, and, but for a few, it honours the idempotency key. */
function describeMutation(operation: Operation, honoursKeys: boolean): void {
  operation.responses['413'] = { description: `${problems['body-too-large'].title} (\`body-too-large\`).` };
  if (!honoursKeys) return;
  operation.parameters = [
    ...(operation.parameters ?? []),
    {
      name: 'x-idempotency-key',
      in: 'header',
      required: false,
      description:
        'Makes a repetition of this request happen once: it gets the first answer, with `idempotent-replay: true`. ' +
        'Belongs to the caller and the path; any text of up to 255 characters.',
      schema: { type: 'string', maxLength: 255 },
    },
  ];
}
