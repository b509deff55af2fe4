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
  Object.values(document.paths).forEach(({ post }) => post !== undefined && describeMutation(post));
  return toOpenApi31(document);
}

type Operation = NonNullable<OpenAPIObject['paths'][string]['post']>;

/** What every POST has in common: its body has a limit, and it honours the idempotency key. */
function describeMutation(operation: Operation): void {
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
  operation.responses['413'] = { description: `${problems['body-too-large'].title} (\`body-too-large\`).` };
}
