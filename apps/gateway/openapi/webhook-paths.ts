import { z } from 'zod';
import { deliveryFilter } from '../http/webhooks.controller.js';
import { pageFields } from '../jobs/job-queries.service.js';
import { answer, header, idIn, json, jsonBody, operation, query, queryOf } from './api-operation.js';
import type { Paths } from './openapi-types.js';

const endpointId = idIn('id');
const page = queryOf(z.strictObject(pageFields));

const uuid = { type: 'string', format: 'uuid' };

export const webhookPaths: Paths = {
  '/api/webhooks/endpoints': {
    get: operation({
      id: 'listWebhookEndpoints',
      tag: 'webhooks',
      summary: 'Addresses that hear of the ends of jobs, newest first',
      ok: { 200: json('WebhookEndpointList', 'All of them.') },
    }),
    post: operation({
      id: 'createWebhookEndpoint',
      tag: 'webhooks',
      summary: 'Let an address hear of the ends of jobs',
      description: 'The answer holds the secret of its signatures, which is shown nowhere else.',
      ok: { 201: json('NewWebhookEndpoint', 'The endpoint.', { Location: 'Location' }) },
      errors: ['url_not_allowed'],
      body: jsonBody('WebhookEndpointContent'),
    }),
  },
  '/api/webhooks/endpoints/{id}': {
    get: operation({
      id: 'getWebhookEndpoint',
      tag: 'webhooks',
      summary: 'An endpoint',
      parameters: [endpointId],
      ok: { 200: json('WebhookEndpoint', 'The endpoint.') },
      errors: ['not_found'],
    }),
    patch: operation({
      id: 'changeWebhookEndpoint',
      tag: 'webhooks',
      summary: 'Change, disable or enable an endpoint',
      parameters: [endpointId],
      ok: { 200: json('WebhookEndpoint', 'The changed endpoint.') },
      errors: ['url_not_allowed', 'not_found'],
      body: jsonBody('WebhookEndpointChange'),
    }),
    delete: operation({
      id: 'deleteWebhookEndpoint',
      tag: 'webhooks',
      summary: 'Remove an endpoint with its deliveries',
      parameters: [endpointId],
      ok: { 204: answer('It is gone.') },
      errors: ['not_found'],
    }),
  },
  '/api/webhooks/endpoints/{id}/rotate-secret': {
    post: operation({
      id: 'rotateWebhookSecret',
      tag: 'webhooks',
      summary: 'Give an endpoint a new secret',
      description: 'Messages are signed with the old one as well for a day.',
      parameters: [endpointId],
      ok: { 200: json('WebhookSecret', 'The new secret, which is shown nowhere else.') },
      errors: ['not_found'],
    }),
  },
  '/api/webhooks/endpoints/{id}/deliveries': {
    get: operation({
      id: 'listDeliveriesOfWebhookEndpoint',
      tag: 'webhooks',
      summary: 'What is on its way to an endpoint or has been sent, newest first',
      parameters: [endpointId, ...page],
      ok: { 200: json('WebhookDeliveryList', 'A page.') },
      errors: ['not_found'],
    }),
  },
  '/api/webhooks/transcription': {
    post: operation({
      id: 'reportTranscription',
      tag: 'webhooks',
      summary: 'Report on a job that a remote worker was offered',
      description:
        'Called by remote workers, at the `report_url` of the `job.offered` message. Signed as Standard Webhooks asks for ' +
        'with the secret of the endpoint; at most 16 MiB. Reports have their effect in the order of `sequence`, each once. ' +
        '409 means that the worker is to stop; where the job has ended, `job_status` says how.',
      parameters: [
        { ...query('endpoint_id', uuid, 'The endpoint that was offered the job.'), required: true },
        header('webhook-id', { type: 'string', maxLength: 256 }, 'The same when a report is sent again.', true),
        header('webhook-timestamp', { type: 'string', pattern: '^[0-9]{1,12}$' }, 'Unix seconds, of the try.', true),
        header('webhook-signature', { type: 'string' }, '`v1,` and the signature; several with spaces between.', true),
      ],
      body: jsonBody('RemoteReport'),
      ok: { 200: json('RemoteReportAnswer', 'It is written down.') },
      errors: [
        ...(['unauthorized', 'job_not_found', 'job_state_conflict', 'payload_too_large'] as const),
        ...(['unsupported_media', 'rate_limited'] as const),
      ],
    }),
  },
  '/api/webhooks/deliveries': {
    get: operation({
      id: 'listWebhookDeliveries',
      tag: 'webhooks',
      summary: 'The same for all endpoints and the callbacks of jobs',
      parameters: queryOf(deliveryFilter),
      ok: { 200: json('WebhookDeliveryList', 'A page.') },
      errors: ['not_found'],
    }),
  },
  '/api/webhooks/deliveries/{id}/redeliver': {
    post: operation({
      id: 'redeliverWebhook',
      tag: 'webhooks',
      summary: 'Send a message again, under the same id',
      parameters: [idIn('id')],
      ok: { 202: json('WebhookRedelivery', 'It is due now, with its retries counted anew.') },
      errors: ['not_found'],
    }),
  },
};
