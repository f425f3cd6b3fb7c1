export * from './contract.js';
export * from './dev-certificates.js';
export * from './eventually.js';
export * from './free-port.js';
