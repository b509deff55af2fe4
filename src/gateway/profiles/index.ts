export { MemoryFiles, memoryFolder } from './memory-files.js';
export { ProfilesModule } from './profiles.module.js';
