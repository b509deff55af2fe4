// Lets Node run the harness as it stands: compiles its TypeScript, and that of what it uses, when it is loaded.
import { register } from 'node:module';

register('./typescript-hooks.mjs', import.meta.url);
