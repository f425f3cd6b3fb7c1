import { logVerbosity, setLogVerbosity } from '@grpc/grpc-js';

// What the gRPC library finds out reaches us as errors. Its own lines on standard error would stand among our structured
// ones; `GRPC_VERBOSITY` brings them back for someone who looks into the library.
if (process.env['GRPC_VERBOSITY'] === undefined) setLogVerbosity(logVerbosity.NONE);
