export { SkillLibrary, type Skills } from './skill-library.js';
export { type SkillsConfig, skillsConfig } from './skills.config.js';
export { SkillsModule } from './skills.module.js';
