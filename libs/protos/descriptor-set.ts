import { readFile } from 'node:fs/promises';

/** The encoded google.protobuf.FileDescriptorSet of all our protos, for the reflection service. */
export function readDescriptorSet(): Promise<Uint8Array> {
  return readFile(new URL('./gen/polyscribe.binpb', import.meta.url));
}
