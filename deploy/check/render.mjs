// What helm and kustomize make of our files.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { parseAllDocuments, stringify } from 'yaml';
import { tools } from './tools.mjs';

const deploy = join(import.meta.dirname, '..');
export const chart = join(deploy, 'helm', 'skynet');
const LIMIT_MS = 30_000;

/** The objects of a stream of YAML documents. */
export function objectsOf(text) {
  return parseAllDocuments(text).flatMap((document) => {
    if (document.errors.length > 0) throw document.errors[0];
    const object = document.toJS();
    return object === null ? [] : [object];
  });
}

function run(program, args, input) {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    encoding: 'utf8',
    input,
    timeout: LIMIT_MS,
    maxBuffer: 64 * 1024 * 1024,
  });
  return { ok: status === 0, stdout: stdout ?? '', said: (stderr ?? String(error)).trim() };
}

/** `helm template` with files of values, and with further values. Returns whether it went well, the text, and what it said. */
export function template({ files = [], values = {} } = {}) {
  const args = ['template', 'skynet', chart, ...files.flatMap((file) => ['--values', join(deploy, file)])];
  return run(tools.helm, [...args, '--values', '-'], stringify(values));
}

/** `helm lint --strict` in the same way. */
export function lint({ files = [] } = {}) {
  const args = ['lint', '--strict', chart, ...files.flatMap((file) => ['--values', join(deploy, file)])];
  const { ok, stdout, said } = run(tools.helm, args);
  return { ok, said: `${stdout}\n${said}`.trim() };
}

/** The objects of `helm template`; throws what helm says when it refuses. */
export function render(of) {
  const { ok, stdout, said } = template(of);
  if (!ok) throw new Error(said);
  return objectsOf(stdout);
}

/** The objects of a folder below deploy/kustomize. */
export function kustomize(folder) {
  const { ok, stdout, said } = run(tools.kubectl, ['kustomize', join(deploy, 'kustomize', folder)]);
  if (!ok) throw new Error(said);
  return objectsOf(stdout);
}

/** `Deployment skynet-control-plane` */
export const nameOf = (object) => `${object.kind} ${object.metadata.name}`;
