import { type EndedCall, isErrorCode } from '#contracts';
import type * as wire from '../registry-v1.js';
import { durationToMs, msToDuration } from './duration.mapper.js';
import { type WireFault, WireReader } from './wire-fault.js';

export function toWireEndedCall(call: EndedCall): wire.EndedCall {
  return {
    instanceId: call.instanceId,
    errorCode: call.error?.code ?? '',
    errorMessage: call.error?.message ?? '',
    audioDuration: msToDuration(call.audioMs),
    queueDuration: msToDuration(call.queueMs),
    workDuration: msToDuration(call.workMs),
    startAge: msToDuration(call.startAgeMs),
  };
}

/** @throws PolyscribeError with the code `fault` that names the field which is missing or cannot be */
export function fromWireEndedCall(message: wire.EndedCall, fault: WireFault): EndedCall {
  const read = new WireReader(fault);
  const { errorCode, errorMessage } = message;
  return {
    instanceId: read.filledName('calls.instance_id', message.instanceId),
    ...(errorCode !== '' && {
      error: {
        code: isErrorCode(errorCode) ? errorCode : read.fail('calls.error_code', 'is not a code that is known here'),
        message: read.text('calls.error_message', errorMessage),
      },
    }),
    audioMs: durationToMs('calls.audio_duration', message.audioDuration, read),
    queueMs: durationToMs('calls.queue_duration', message.queueDuration, read),
    workMs: durationToMs('calls.work_duration', message.workDuration, read),
    startAgeMs: durationToMs('calls.start_age', message.startAge, read),
  };
}
