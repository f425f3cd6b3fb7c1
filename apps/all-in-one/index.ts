export * from './mesh.js';
export * from './mesh-file.js';
