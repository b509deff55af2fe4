// The alerts of deploy/monitoring, if there are any, are those of the chart, which can only read files of its own.
import { copyFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { chart } from './render.mjs';

const source = join(chart, '..', '..', 'monitoring', 'alerts.yaml');
const copy = join(chart, 'files', 'alerts.yaml');

export function copyAlerts() {
  if (existsSync(source)) copyFileSync(source, copy);
}

export function complaintsOfAlerts() {
  return !existsSync(source) || readFileSync(source, 'utf8') === readFileSync(copy, 'utf8')
    ? []
    : ["the chart's files/alerts.yaml is not deploy/monitoring/alerts.yaml. Run: npm run deploy:write"];
}
