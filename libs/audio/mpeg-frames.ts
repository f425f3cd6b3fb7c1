/** Kilobits per second by bit rate index, of MPEG-1 layers I to III and MPEG-2/2.5 layers I and II/III (ISO 11172-3, 13818-3). */
const bitRates = {
  v1l1: [0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448],
  v1l2: [0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
  v1l3: [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
  v2l1: [0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256],
  v2l23: [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
} as const;

const sampleRates = [44_100, 48_000, 32_000] as const;

/** Frames in a row that make us believe: a chance sync word is followed by another at the right place once in thousands. */
const FRAMES_TO_BELIEVE = 3;

/** How far frames may begin behind the start, as in a file cut from a stream or with junk at its head. */
const LATEST_START = 4 * 1024;

/**
 * Whether MPEG audio (layers I to III) or ADTS AAC frames follow each other in these bytes. A lone sync word, which text in
 * UTF-16 begins with too, is not enough. Where the bytes end sooner, two frames in a row will do.
 */
export function holdsMpegFrames(head: Uint8Array): boolean {
  const latest = Math.min(LATEST_START, head.length);
  for (let start = 0; start < latest; start++) {
    if (head[start] === 0xff && framesFrom(head, start) >= FRAMES_TO_BELIEVE) return true;
  }
  return head.length < LATEST_START && framesFrom(head, 0) >= 2;
}

/** How many frames follow each other from here, as far as it matters. */
function framesFrom(head: Uint8Array, start: number): number {
  let position = start;
  let frames = 0;
  while (frames < FRAMES_TO_BELIEVE) {
    const length = frameLength(head, position);
    if (length === undefined) break;
    frames++;
    position += length;
  }
  return frames;
}

/** The length of the frame at this position by its header, or undefined where none begins. */
function frameLength(bytes: Uint8Array, at: number): number | undefined {
  if (at + 6 > bytes.length || bytes[at] !== 0xff) return undefined;
  const second = bytes[at + 1] ?? 0;
  if ((second & 0xf6) === 0xf0) return adtsLength(bytes, at);
  if ((second & 0xe0) !== 0xe0) return undefined;
  return mpegLength(second, bytes[at + 2] ?? 0);
}

function adtsLength(bytes: Uint8Array, at: number): number | undefined {
  const length = (((bytes[at + 3] ?? 0) & 0x03) << 11) | ((bytes[at + 4] ?? 0) << 3) | ((bytes[at + 5] ?? 0) >> 5);
  return length >= 7 ? length : undefined;
}

function mpegLength(second: number, third: number): number | undefined {
  const version = (second >> 3) & 3;
  const layer = 4 - ((second >> 1) & 3);
  const base = sampleRates[(third >> 2) & 3];
  if (version === 1 || layer === 4 || base === undefined) return undefined;
  const mpeg1 = version === 3;
  const kilobits = bitRateTable(mpeg1, layer)[third >> 4];
  if (kilobits === undefined || kilobits === 0) return undefined;
  const sampleRate = mpeg1 ? base : version === 2 ? base / 2 : base / 4;
  const padding = (third >> 1) & 1;
  if (layer === 1) return (Math.floor((12_000 * kilobits) / sampleRate) + padding) * 4;
  const samples = layer === 3 && !mpeg1 ? 576 : 1152;
  return Math.floor((samples * 125 * kilobits) / sampleRate) + padding;
}

function bitRateTable(mpeg1: boolean, layer: number): readonly number[] {
  if (!mpeg1) return layer === 1 ? bitRates.v2l1 : bitRates.v2l23;
  return layer === 1 ? bitRates.v1l1 : layer === 2 ? bitRates.v1l2 : bitRates.v1l3;
}
