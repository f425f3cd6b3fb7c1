export * from './gen/polyscribe/registry/v1/engine_registry_service.js';
