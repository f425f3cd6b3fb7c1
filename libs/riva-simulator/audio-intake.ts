import { SAMPLE_RATE_HZ } from '#contracts';
import { riva } from '#protos';
import { rivaErrors, serverError } from './riva-errors.js';

/** Enough to tell containers apart. */
const SNIFF_BYTES = 12;
/** Rates that servers take. This simulator's ears are made for one of them only. */
const RATES_HZ = { lowest: 8_000, highest: 48_000 } as const;

/**
 * Takes the audio of a call as its configuration declares it and gives PCM. Bare PCM and WAV are understood, the latter
 * also where LINEAR_PCM is declared: clients send it so. A real server takes FLAC, mu-law, A-law and Ogg Opus as well,
 * and other rates; here those are refused.
 *
 * @throws ServerError for what servers refuse
 */
export class AudioIntake {
  private head = Buffer.alloc(0);
  private state: 'sniffing' | 'wav_header' | 'pcm' = 'sniffing';

  constructor(private readonly config: riva.RecognitionConfig) {
    const { encoding, sampleRateHertz: rate, audioChannelCount: channels } = config;
    const { ENCODING_UNSPECIFIED, LINEAR_PCM } = riva.AudioEncoding;
    if (encoding !== ENCODING_UNSPECIFIED && encoding !== LINEAR_PCM) throw serverError(rivaErrors.onlyLinearPcm);
    if (rate !== 0) checkRate(rate);
    if (channels < 0 || channels > 1) throw serverError(rivaErrors.onlyMono);
  }

  /** @returns the PCM that is sure so far; empty while a header is incomplete */
  push(chunk: Buffer): Buffer {
    if (this.state === 'pcm') return chunk;
    this.head = Buffer.concat([this.head, chunk]);
    return this.open(false);
  }

  /** @returns the PCM of audio so short that it was still being looked at */
  end(): Buffer {
    return this.state === 'sniffing' && this.head.length > 0 ? this.open(true) : Buffer.alloc(0);
  }

  private open(isLast: boolean): Buffer {
    if (this.state === 'sniffing') {
      if (this.head.length < SNIFF_BYTES && !isLast) return Buffer.alloc(0);
      this.state = this.sniff();
    }
    const from = this.state === 'pcm' ? 0 : wavDataOffset(this.head);
    if (from === undefined) return Buffer.alloc(0);
    this.state = 'pcm';
    const pcm = this.head.subarray(from);
    this.head = Buffer.alloc(0);
    return pcm;
  }

  private sniff(): 'wav_header' | 'pcm' {
    const magic = this.head.toString('latin1', 0, 4);
    if (magic === 'RIFF' && this.head.toString('latin1', 8, 12) === 'WAVE') return 'wav_header';
    const isDeclaredPcm = this.config.encoding === riva.AudioEncoding.LINEAR_PCM;
    if (magic === 'fLaC' || magic === 'OggS') {
      throw serverError(isDeclaredPcm ? rivaErrors.headerMismatch : rivaErrors.onlyLinearPcm);
    }
    // Bare samples say nothing about themselves: encoding and rate have to.
    if (!isDeclaredPcm) throw serverError(rivaErrors.unknownEncoding);
    return 'pcm';
  }
}

function checkRate(rateHz: number): void {
  const { lowest, highest } = RATES_HZ;
  if (rateHz < lowest || rateHz > highest || rateHz !== SAMPLE_RATE_HZ) {
    throw serverError(rivaErrors.sampleRateOutOfRange);
  }
}

/** Where the samples begin; undefined while the header is incomplete. */
function wavDataOffset(wav: Buffer): number | undefined {
  let at = SNIFF_BYTES;
  while (at + 8 <= wav.length) {
    const name = wav.toString('latin1', at, at + 4);
    const size = wav.readUInt32LE(at + 4);
    at += 8;
    if (name === 'data') return at;
    if (at + size > wav.length) return undefined;
    if (name === 'fmt ') checkFormat(wav.subarray(at, at + size));
    at += size + (size % 2);
  }
  return undefined;
}

function checkFormat(format: Buffer): void {
  if (format.length < 16 || format.readUInt16LE(0) !== 1 || format.readUInt16LE(14) !== 16) {
    throw serverError(rivaErrors.onlyLinearPcm);
  }
  if (format.readUInt16LE(2) !== 1) throw serverError(rivaErrors.onlyMono);
  checkRate(format.readUInt32LE(4));
}
