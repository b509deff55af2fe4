// npm run check:deploy: everything that can be known of deploy/ without a cluster. --write writes anew what is made of the chart.
import { complaintsOfAlerts, copyAlerts } from './alerts.mjs';
import { facts } from './facts.mjs';
import { matrix, profiles } from './matrix.mjs';
import { complaintsOfDrift, writePlain } from './plain.mjs';
import { lint, render } from './render.mjs';
import { complaintsOfRules } from './rules.mjs';
import { complaintsOfLaxSchemas, complaintsOfSchemas } from './strict-types.mjs';
import { fetchTools } from './tools.mjs';
import { complaintsOfValuesTable, writeValuesTable } from './values-table.mjs';
import { complaintsOfWrongValues, wrongCount } from './wrong-values.mjs';

const complaints = [];

/** Runs a part, and says how it went in a line. */
async function part(name, work) {
  const found = await work();
  complaints.push(...found);
  console.log(`${found.length === 0 ? 'ok   ' : 'WRONG'} ${name}`);
  for (const complaint of found) console.log(`      ${complaint}`);
}

try {
  await fetchTools();
} catch (error) {
  console.error(`Not checked: ${error.message}`);
  process.exit(2);
}

if (process.argv.includes('--write')) {
  copyAlerts();
  writePlain();
  await writeValuesTable();
  console.log('deploy/kustomize and the table in deploy/README.md are written.');
} else {
  await part('helm lint of the defaults and of the profiles', () =>
    [{}, ...profiles.map((name) => ({ files: [`profiles/${name}.yaml`] }))].flatMap((values) => {
      const { ok, said } = lint(values);
      return ok ? [] : [said];
    }),
  );

  const cases = matrix();
  /** Objects that are the same in many cases are judged once by their schemas. */
  const objects = new Map();
  await part(`our own rules on ${cases.length} sets of values`, () =>
    cases.flatMap((of) => {
      try {
        const rendered = render(of);
        for (const object of rendered) objects.set(JSON.stringify(object), object);
        return complaintsOfRules(rendered, facts).map((what) => `${of.name}: ${what}`);
      } catch (error) {
        return [`${of.name}: ${error.message}`];
      }
    }),
  );
  await part(`the schemas of their kinds, unknown fields refused, on ${objects.size} different objects`, () =>
    complaintsOfSchemas([...objects.values()]),
  );
  await part('these schemas let no unknown field pass, for each kind', () =>
    complaintsOfLaxSchemas([...objects.values()]),
  );
  await part(`refusals of ${wrongCount} wrong sets of values`, complaintsOfWrongValues);
  await part('kustomize base and overlays are the chart with the same profile', complaintsOfDrift);
  await part('the alerts of the chart are those of deploy/monitoring, if it has any', complaintsOfAlerts);
  await part('the table of values in deploy/README.md', complaintsOfValuesTable);
  process.exitCode = complaints.length === 0 ? 0 : 1;
}
