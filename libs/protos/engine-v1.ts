export {
  Capabilities,
  EngineDescription,
  EngineOption,
  Health,
  HealthState,
  OptionType,
} from './gen/polyscribe/engine/v1/engine.js';
export * from './gen/polyscribe/engine/v1/engine_service.js';
// Stands before the generated one of that name.
export { EngineServiceDefinition } from './audio-codec.js';
