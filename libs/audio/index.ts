export { type DecodeOptions, decodePcm } from './decode.js';
export { formatByExtension, type MediaFormat } from './formats.js';
export type { FfmpegSettings, MediaInfo } from './media.js';
export { mediaFacts } from './media-facts.js';
export { probeMedia } from './probe.js';
export { isEmptyWave } from './wave-header.js';
export { hearsSpeech } from './speech-presence.js';
export { SNIFF_BYTES, sniffMedia } from './sniff.js';
export { defaultSpanLengths, type PcmSpan, planSpans, type SpanCut, type SpanPlanOptions } from './span-planner.js';
