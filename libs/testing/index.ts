export * from './contract.js';
export * from './eventually.js';
