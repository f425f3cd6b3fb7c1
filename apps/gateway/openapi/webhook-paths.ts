import { json, operation, query } from './api-operation.js';
import type { Operation, Parameter, Paths } from './openapi-types.js';
import type { SchemaName } from './response-schemas.js';

function idIn(name: string): Parameter {
  return { name, in: 'path', required: true, schema: { type: 'string', format: 'uuid' } };
}

function content(name: SchemaName): NonNullable<Operation['requestBody']> {
  return { required: true, content: { 'application/json': { schema: { $ref: `#/components/schemas/${name}` } } } };
}

const endpointId = idIn('id');
const page = [
  query('limit', { type: 'integer', minimum: 1, maximum: 200, default: 50 }, 'Length of a page.'),
  query('cursor', { type: 'string' }, '`next_cursor` of the page before.'),
];

export const webhookPaths: Paths = {
  '/api/webhooks/endpoints': {
    get: operation({
      id: 'listWebhookEndpoints',
      tag: 'webhooks',
      summary: 'Addresses that hear of the ends of jobs, newest first',
      ok: { 200: json('WebhookEndpointList', 'All of them.') },
    }),
    post: {
      ...operation({
        id: 'createWebhookEndpoint',
        tag: 'webhooks',
        summary: 'Let an address hear of the ends of jobs',
        description: 'The answer holds the secret of its signatures, which is shown nowhere else.',
        ok: { 201: json('NewWebhookEndpoint', 'The endpoint; `Location` is set.') },
        errors: ['invalid_request', 'url_not_allowed', 'payload_too_large', 'unsupported_media'],
      }),
      requestBody: content('WebhookEndpointContent'),
    },
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
    patch: {
      ...operation({
        id: 'changeWebhookEndpoint',
        tag: 'webhooks',
        summary: 'Change, disable or enable an endpoint',
        parameters: [endpointId],
        ok: { 200: json('WebhookEndpoint', 'The changed endpoint.') },
        errors: ['invalid_request', 'url_not_allowed', 'not_found', 'payload_too_large', 'unsupported_media'],
      }),
      requestBody: content('WebhookEndpointChange'),
    },
    delete: operation({
      id: 'deleteWebhookEndpoint',
      tag: 'webhooks',
      summary: 'Remove an endpoint with its deliveries',
      parameters: [endpointId],
      ok: { 204: { description: 'It is gone.' } },
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
      errors: ['invalid_request', 'not_found'],
    }),
  },
  '/api/webhooks/deliveries': {
    get: operation({
      id: 'listWebhookDeliveries',
      tag: 'webhooks',
      summary: 'The same for all endpoints and the callbacks of jobs',
      parameters: [
        query('endpoint_id', { type: 'string', format: 'uuid' }, 'Only those of this endpoint.'),
        query('job_id', { type: 'string', format: 'uuid' }, 'Only those of this job.'),
        ...page,
      ],
      ok: { 200: json('WebhookDeliveryList', 'A page.') },
      errors: ['invalid_request', 'not_found'],
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
