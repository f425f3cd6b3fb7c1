export * from './create-object-store.js';
export * from './object-store.port.js';
export * from './signed-links.js';
export { attachmentNamed } from './content-disposition.js';
