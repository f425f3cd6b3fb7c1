import { z } from 'zod';
import { webhookEvents, webhookPayloads } from '#contracts';
import { MAX_URL_LENGTH } from '#outbound-http';
import { flag, oneOf, text } from '../submit/form-fields.js';

const url = text(MAX_URL_LENGTH).describe('http or https, on the public internet or a host that the operator allows.');
const eventTypes = z
  .array(oneOf(webhookEvents), { error: 'must be a list of events' })
  .max(webhookEvents.length, { error: 'must not repeat an event' })
  .describe('Of what it is to hear; empty or left out, of everything.');
const payload = oneOf(webhookPayloads).describe('thin, the default, or full, which holds the text.');
const description = text(300).describe('For people.');

/** What a client says of a new endpoint. */
export const endpointSchema = z.strictObject(
  {
    url,
    event_types: eventTypes.default([]),
    payload: payload.default('thin'),
    description: description.default(''),
  },
  { error: 'must be a JSON object' },
);

/** What a client changes of an endpoint; what is left out stays. */
export const endpointChangeSchema = z.strictObject(
  {
    url: url.optional(),
    event_types: eventTypes.optional(),
    payload: payload.optional(),
    description: description.optional(),
    enabled: flag.optional().describe('false lets it hear of nothing; true lets it hear again.'),
  },
  { error: 'must be a JSON object' },
);
