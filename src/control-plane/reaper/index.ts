export { ReaperModule } from './reaper.module.js';
