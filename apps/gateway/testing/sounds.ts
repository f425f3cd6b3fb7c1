/** A WAV file of silence: 16 kHz, mono, 16 bit. */
export function silentWav(seconds: number): Buffer {
  const bytes = seconds * 32_000;
  const head = Buffer.alloc(44);
  head.write('RIFF', 0);
  head.writeUInt32LE(36 + bytes, 4);
  head.write('WAVEfmt ', 8);
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(1, 22);
  head.writeUInt32LE(16_000, 24);
  head.writeUInt32LE(32_000, 28);
  head.writeUInt16LE(2, 32);
  head.writeUInt16LE(16, 34);
  head.write('data', 36);
  head.writeUInt32LE(bytes, 40);
  return Buffer.concat([head, Buffer.alloc(bytes)]);
}

/** The same with noise in which no stretch is like another: what is lost, doubled or out of place shows in its digest. */
export function noisyWav(seconds: number): Buffer {
  const wav = silentWav(seconds);
  for (let at = 44; at < wav.length; at += 4) wav.writeUInt32LE(Math.imul(at, 2_654_435_761) >>> 0, at);
  return wav;
}
