export { type RivaError, messageTooLarge, rivaErrors, unavailableModel } from './riva-errors.js';
export type { FaultAction, FaultMoment, RivaFault, RivaMethod } from './riva-fault.js';
export * from './riva-script.js';
export { RivaSimulator, type RivaSimulatorOptions, startRivaSimulator } from './riva-simulator.js';
export type { SeenCall, SeenCalls, SeenSoFar } from './seen-calls.js';
export { RivaSimulatorProcess, type RivaSimulatorProcessOptions } from './riva-simulator-process.js';
export type { SimulatorTls } from './simulator-tls.js';
