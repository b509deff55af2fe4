// Holds every object to the published schema of its kind, in two ways that complete each other. The validators of the
// kubernetes-models packages judge required fields, types, formats and enumerations, but let unknown fields pass. Their
// types do not: an object literal with a property that its type does not have is an error to TypeScript.
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import ts from 'typescript';
import { nameOf } from './render.mjs';
import { tools } from './tools.mjs';

const PACKAGES = [
  'kubernetes-models',
  '@kubernetes-models/gateway-api',
  '@kubernetes-models/prometheus-operator',
];

/** The module of an object's kind, as an import names it; undefined when no package has it. */
function moduleOf({ apiVersion, kind }) {
  const path = `${apiVersion}/${kind}`;
  return PACKAGES.map((name) => `${name}/${path}`).find((name) =>
    existsSync(join(tools.modules, `${name}.d.ts`)),
  );
}

/** What is wrong with objects by the schemas of their kinds, a sentence each. */
export async function complaintsOfSchemas(objects) {
  const unknown = objects.filter((object) => moduleOf(object) === undefined);
  const known = objects.filter((object) => moduleOf(object) !== undefined);
  return [
    ...unknown.map((object) => `${nameOf(object)}: no schema for ${object.apiVersion} ${object.kind}`),
    ...(await Promise.all(known.map(complaintsOfValidator))).flat(),
    ...complaintsOfTypes(known),
  ];
}

/**
 * Kinds whose schema lets an unknown field pass, at the top or in the spec: those would be no check at all. Takes one object
 * of each kind.
 */
export async function complaintsOfLaxSchemas(objects) {
  const kinds = new Map(objects.map((object) => [object.kind, object]));
  const wrong = [...kinds.values()].flatMap((object) => [
    { ...object, fieldOfNobody: 1 },
    ...(object.spec === undefined ? [] : [{ ...object, spec: { ...object.spec, fieldOfNobody: 1 } }]),
  ]);
  const found = await complaintsOfSchemas(wrong);
  return [...kinds.values()].flatMap((object) => {
    const wanted = object.spec === undefined ? 1 : 2;
    const told = found.filter(
      (complaint) => complaint.startsWith(`${nameOf(object)}: `) && complaint.includes('fieldOfNobody'),
    );
    return told.length >= wanted ? [] : [`the schema of ${object.kind} lets an unknown field pass`];
  });
}

async function complaintsOfValidator(object) {
  const file = pathToFileURL(join(tools.modules, `${moduleOf(object)}.js`)).href;
  const { [object.kind]: Model } = await import(file);
  try {
    new Model(object).validate();
    return [];
  } catch (error) {
    return [`${nameOf(object)}: ${error.message}`];
  }
}

/** One program for all objects, since the types are what takes time. */
function complaintsOfTypes(objects) {
  const file = join(tools.modules, '..', 'objects.ts');
  const lines = objects.map(
    (object) =>
      `{ const object: import('${moduleOf(object)}').I${object.kind} = ${JSON.stringify(object)}; void object; }`,
  );
  writeFileSync(file, `export {};\n${lines.join('\n')}\n`);
  const program = ts.createProgram([file], {
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    target: ts.ScriptTarget.ES2022,
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    types: [],
  });
  const source = program.getSourceFile(file);
  return [
    ...program.getOptionsDiagnostics(),
    ...program.getSyntacticDiagnostics(source),
    ...program.getSemanticDiagnostics(source),
  ].map(({ start, messageText }) => {
    // A line an object, after the first line.
    const line = start === undefined ? 0 : source.getLineAndCharacterOfPosition(start).line;
    const name = objects[line - 1] === undefined ? 'types' : nameOf(objects[line - 1]);
    return `${name}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`;
  });
}
