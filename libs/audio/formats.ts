/** A kind of file that we take. */
export interface MediaFormat {
  readonly mediaType: string;
  /** Without the dot. */
  readonly extension: string;
  /** Whether the container may hold video, or no audio at all: only a probe can tell. */
  readonly mayHoldVideo: boolean;
}

function audio(mediaType: string, extension: string): MediaFormat {
  return { mediaType, extension, mayHoldVideo: false };
}

function container(mediaType: string, extension: string): MediaFormat {
  return { mediaType, extension, mayHoldVideo: true };
}

/** The formats we take, by the extension under which `file-type` knows them. */
export const formatByExtension: ReadonlyMap<string, MediaFormat> = new Map(
  [
    audio('audio/mpeg', 'mp3'),
    audio('audio/mpeg', 'mp2'),
    audio('audio/mpeg', 'mp1'),
    audio('audio/aac', 'aac'),
    audio('audio/ac3', 'ac3'),
    audio('audio/aiff', 'aif'),
    audio('audio/amr', 'amr'),
    audio('audio/basic', 'au'),
    audio('audio/x-caf', 'caf'),
    audio('audio/flac', 'flac'),
    audio('audio/wav', 'wav'),
    audio('audio/x-w64', 'w64'),
    audio('audio/x-wavpack', 'wv'),
    audio('audio/ogg', 'ogg'),
    audio('audio/ogg', 'oga'),
    audio('audio/ogg', 'opus'),
    audio('audio/ogg', 'spx'),
    container('video/ogg', 'ogv'),
    container('video/ogg', 'ogm'),
    container('application/ogg', 'ogx'),
    container('audio/mp4', 'm4a'),
    container('audio/mp4', 'm4b'),
    container('audio/mp4', 'f4a'),
    container('audio/mp4', 'f4b'),
    container('video/mp4', 'mp4'),
    container('video/mp4', 'm4v'),
    container('video/mp4', 'f4v'),
    container('video/quicktime', 'mov'),
    container('video/3gpp', '3gp'),
    container('video/3gpp2', '3g2'),
    container('video/webm', 'webm'),
    container('video/x-matroska', 'mkv'),
    container('video/x-msvideo', 'avi'),
    container('video/x-flv', 'flv'),
    container('video/mp2t', 'mts'),
    container('video/mpeg', 'mpg'),
    container('video/x-ms-asf', 'asf'),
  ].map((format) => [format.extension, format]),
);

/**
 * ffmpeg's names of the containers it may open: those above and nothing else. Above all no playlists (hls, dash, concat),
 * which name other files and addresses, and no devices or generators.
 */
export const allowedDemuxers: readonly string[] = [
  'aac',
  'ac3',
  'aiff',
  'amr',
  'asf',
  'au',
  'avi',
  'caf',
  'flac',
  'flv',
  'matroska',
  'mov',
  'mp3',
  'mpeg',
  'mpegts',
  'ogg',
  'w64',
  'wav',
  'wv',
];

/**
 * ffmpeg's names of the decoders that may run: the audio that phones, recorders, calls and video tools produce. The video
 * decoders are those of everyday files; ffmpeg looks at the first pictures to find where the audio begins against them.
 * The rest, written for old games and dead formats, is what attacks on decoders aim at.
 */
export const allowedDecoders: readonly string[] = [
  ...['aac', 'aac_latm', 'ac3', 'eac3', 'alac', 'flac', 'opus', 'libopus', 'vorbis', 'libvorbis', 'speex', 'libspeex'],
  ...['mp1', 'mp1float', 'mp2', 'mp2float', 'mp3', 'mp3float', 'wavpack'],
  ...['wmav1', 'wmav2', 'wmapro', 'wmalossless', 'wmavoice'],
  ...['amrnb', 'amrwb', 'libopencore_amrnb', 'libopencore_amrwb', 'gsm', 'gsm_ms', 'libgsm', 'libgsm_ms'],
  ...['g722', 'g723_1', 'g726', 'g726le', 'g729', 'nellymoser'],
  ...['adpcm_ima_qt', 'adpcm_ima_wav', 'adpcm_ms', 'adpcm_swf', 'adpcm_yamaha'],
  ...['pcm_alaw', 'pcm_mulaw', 'pcm_u8', 'pcm_s8', 'pcm_s16le', 'pcm_s16be', 'pcm_s24le', 'pcm_s24be', 'pcm_s32le'],
  ...['pcm_s32be', 'pcm_f32le', 'pcm_f32be', 'pcm_f64le', 'pcm_f64be', 'pcm_bluray', 'pcm_dvd'],
  ...[
    'h264',
    'hevc',
    'av1',
    'libdav1d',
    'vp8',
    'vp9',
    'libvpx-vp9',
    'mpeg4',
    'mpeg2video',
    'mpeg1video',
    'h263',
    'mjpeg',
  ],
];
