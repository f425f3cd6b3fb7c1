export * from './refusal.js';
export * from './requirements.js';
export * from './route.js';
export * from './routing-request.js';
