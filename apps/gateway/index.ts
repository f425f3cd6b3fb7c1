export { gateway } from './gateway.definition.js';
