export { optionRefusal } from './engine-options.js';
export * from './figures.js';
export type { Candidate, RankField, RankFieldName } from './ranking.js';
export * from './refusal.js';
export * from './requirements.js';
export * from './route.js';
export * from './routing-policy.js';
export * from './routing-request.js';
