import { readFileSync } from 'node:fs';
import { parse } from 'yaml';

/** As much of JSON Schema as openapi.yaml uses. */
export interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly format?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
}

export interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly required?: boolean;
  readonly schema: Schema;
}

type Content = Readonly<Record<string, { readonly schema: Schema }>>;

/** One method of one path. */
export interface Operation {
  /** `POST /v1/tasks/{id}/start`. */
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly parameters: readonly Parameter[];
  readonly body: Schema | null;
  /** What each documented status answers with, by content type. */
  readonly responses: ReadonlyMap<number, Content>;
}

/** The API as openapi.yaml describes it. */
export class Description {
  private constructor(
    readonly operations: readonly Operation[],
    readonly schemas: Readonly<Record<string, Schema>>,
  ) {}

  static read(): Description {
    const document = parse(readFileSync('openapi.yaml', 'utf8')) as {
      readonly paths: Readonly<Record<string, Readonly<Record<string, Described>>>>;
      readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
    };
    const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, described]) =>
        operationOf(method.toUpperCase(), path, described),
      ),
    );
    return new Description(operations, document.components.schemas);
  }

  /** The schema itself where it is only named. */
  resolve(schema: Schema): Schema {
    const name = schema.$ref?.split('/').at(-1);
    return name === undefined ? schema : (this.schemas[name] ?? {});
  }
}

interface Described {
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly content: Content };
  readonly responses: Readonly<Record<string, { readonly content?: Content }>>;
}

function operationOf(method: string, path: string, described: Described): Operation {
  return {
    ...{ name: `${method} ${path}`, method, path },
    parameters: described.parameters ?? [],
    body: described.requestBody?.content['application/json']?.schema ?? null,
    responses: new Map(
      Object.entries(described.responses).map(([status, { content = {} }]) => [Number(status), content]),
    ),
  };
}
