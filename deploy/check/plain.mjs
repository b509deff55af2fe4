// The kustomize files are the chart's objects without helm. The base and what overlays add are written from the chart;
// what overlays change is written by hand, and must come to the same as the profile of values with the same name.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { stringify } from 'yaml';
import { kustomize, nameOf, render } from './render.mjs';

const folder = join(import.meta.dirname, '..', 'kustomize');
const overlays = ['small', 'ha'];
const HEADER = '# Written by npm run deploy:write from the chart; change that, or an overlay.\n';
const HELM_LABELS = ['helm.sh/chart', 'app.kubernetes.io/managed-by'];

/** The same object without what only helm reads. */
function withoutHelm(object) {
  const copy = structuredClone(object);
  for (const metadata of [copy.metadata, copy.spec?.template?.metadata]) {
    if (metadata === undefined) continue;
    for (const label of HELM_LABELS) delete metadata.labels?.[label];
    for (const name of Object.keys(metadata.annotations ?? {})) {
      if (name.startsWith('helm.sh/')) delete metadata.annotations[name];
    }
    if (Object.keys(metadata.annotations ?? { some: true }).length === 0) delete metadata.annotations;
  }
  return copy;
}

const byName = (objects) => objects.sort((one, other) => (nameOf(one) < nameOf(other) ? -1 : 1));
const profile = (name) =>
  byName(render({ files: name === 'base' ? [] : [`profiles/${name}.yaml`] }).map(withoutHelm));

/** The files that are written from the chart, by their paths below deploy/kustomize. */
export function writtenFiles() {
  const base = profile('base');
  const files = {};
  const put = (path, objects) => {
    files[path] =
      HEADER +
      objects
        .map((object) => stringify(object, { lineWidth: 0, aliasDuplicateObjects: false }))
        .join('---\n');
  };
  const components = new Set(base.map(componentOf));
  for (const component of components) {
    put(
      `base/${component}.yaml`,
      base.filter((object) => componentOf(object) === component),
    );
  }
  files['base/kustomization.yaml'] =
    HEADER +
    stringify({
      apiVersion: 'kustomize.config.k8s.io/v1beta1',
      kind: 'Kustomization',
      resources: [...components].sort().map((name) => `${name}.yaml`),
    });
  const known = new Set(base.map(nameOf));
  for (const overlay of overlays) {
    const added = profile(overlay).filter((object) => !known.has(nameOf(object)));
    if (added.length > 0) put(`overlays/${overlay}/added.yaml`, added);
  }
  return files;
}

const componentOf = (object) => object.metadata.labels['app.kubernetes.io/component'];

export function writePlain() {
  rmSync(join(folder, 'base'), { recursive: true, force: true });
  for (const [path, text] of Object.entries(writtenFiles())) {
    mkdirSync(join(folder, path, '..'), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
}

/** Where the kustomize files have drifted from the chart, a sentence each. */
export function complaintsOfDrift() {
  const files = writtenFiles();
  const stale = Object.entries(files)
    .filter(([path, text]) => readOrEmpty(join(folder, path)) !== text)
    .map(([path]) => `deploy/kustomize/${path} is not what the chart says. Run: npm run deploy:write`);
  const strange = readdirSync(join(folder, 'base'))
    .filter((name) => files[`base/${name}`] === undefined)
    .map((name) => `deploy/kustomize/base/${name} is not of the chart`);
  return [
    ...stale,
    ...strange,
    ...drift('base', kustomize('base'), profile('base')),
    ...overlays.flatMap((name) => drift(name, kustomize(`overlays/${name}`), profile(name))),
  ];
}

function drift(what, plain, wanted) {
  const names = [...new Set([...plain, ...wanted].map(nameOf))];
  return names.flatMap((name) => {
    const [one, other] = [plain, wanted].map((list) => list.find((object) => nameOf(object) === name));
    if (one === undefined) return [`kustomize ${what} lacks ${name}`];
    if (other === undefined) return [`kustomize ${what} has ${name}, the chart with this profile has not`];
    return isDeepStrictEqual(one, other)
      ? []
      : [`kustomize ${what}: ${name} differs from the chart at ${difference(one, other)}`];
  });
}

/** The first path at which two values differ. */
function difference(one, other, path = '') {
  const isTree = (value) => typeof value === 'object' && value !== null;
  if (!isTree(one) || !isTree(other))
    return `${path}: ${JSON.stringify(one)} instead of ${JSON.stringify(other)}`;
  const key = [...new Set([...Object.keys(one), ...Object.keys(other)])].find(
    (each) => !isDeepStrictEqual(one[each], other[each]),
  );
  return difference(one[key], other[key], `${path}/${key}`);
}

function readOrEmpty(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error.code === 'ENOENT') return '';
    throw error;
  }
}
