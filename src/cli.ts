// `node dist/cli.js …`, as SkyClaw was started: set-ups that say so keep working.
import './cli/skyclaw.js';
