import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { apiDocument } from '../openapi/api-document.js';
import type { FullResponse, Method, Operation, Response } from '../openapi/openapi-types.js';

const MOST_FAULTS = 20;

const document = apiDocument('/');
const ajv = new Ajv2020({ strict: false, validateSchema: false, validateFormats: false });
ajv.addSchema(document, 'api');

/** The path of the document for a route as the server has it. */
export function documentedPath(route: string): string {
  const wildcards: Readonly<Record<string, string>> = { '/api/media/*': '/api/media/{key}', '/docs/*': '/docs/{file}' };
  if (wildcards[route] !== undefined) return wildcards[route];
  const names = Object.keys(document.paths);
  const shape = (path: string): string => path.replaceAll(/:\w+|\{\w+\}/g, '*');
  return names.find((path) => shape(path) === shape(route)) ?? route;
}

/** What the document says of a request to a route; undefined where it does not know of any. */
export function documentedOperation(method: string, route: string): Operation | undefined {
  const path = document.paths[documentedPath(route)];
  const name = method.toLowerCase() as Method;
  return path?.[name] ?? (name === 'head' ? path?.get : undefined);
}

/** Notes every answer of a server that the document does not allow. */
export class AnswerWatch {
  readonly faults: string[] = [];
  /** Statuses by operation, of those that were answered. */
  readonly seen = new Map<string, Set<number>>();
  private readonly validators = new Map<string, ValidateFunction>();

  attachTo(fastify: FastifyInstance): void {
    fastify.addHook('onSend', (request, reply, payload, done) => {
      const fault = this.faultOf(request, reply, payload);
      if (fault !== undefined && this.faults.length < MOST_FAULTS) {
        this.faults.push(`${request.method} ${request.routeOptions.url ?? '(no route)'} ${reply.statusCode}: ${fault}`);
      }
      done(null, payload);
    });
  }

  private faultOf(request: FastifyRequest, reply: FastifyReply, payload: unknown): string | undefined {
    const type = String(reply.getHeader('content-type') ?? '').replace(/;.*$/, '');
    const route = request.routeOptions.url;
    if (reply.getHeader('x-request-id') === undefined) return 'has no X-Request-Id';
    if (route === undefined) {
      return type === 'application/problem+json' ? this.misfit('#/components/schemas/Problem', payload) : `is ${type}`;
    }
    const operation = documentedOperation(request.method, route);
    if (!operation) return 'is not in the document';
    this.note(operation.operationId, reply.statusCode);
    const response = resolved(operation.responses[reply.statusCode]);
    if (!response) return 'is not an answer of the document';
    const empty = payload === undefined || payload === null || payload === '';
    if (empty || type === '' || request.method === 'HEAD') return undefined;
    const media = mediaTypeFor(response, type);
    if (media === undefined) return `is ${type}, which the document does not name`;
    if (!type.endsWith('json')) return undefined;
    const pointer = pointerTo(request, route, reply.statusCode, response, media);
    return this.misfit(pointer, payload);
  }

  private note(operationId: string, status: number): void {
    const statuses = this.seen.get(operationId) ?? new Set();
    this.seen.set(operationId, statuses.add(status));
  }

  /** Where a body does not fit the schema at this place; the body itself is not shown. */
  private misfit(pointer: string, payload: unknown): string | undefined {
    if (typeof payload !== 'string' && !Buffer.isBuffer(payload)) return undefined;
    const validate = this.validators.get(pointer) ?? ajv.compile({ $ref: `api${pointer}` });
    this.validators.set(pointer, validate);
    if (validate(JSON.parse(payload.toString()))) return undefined;
    return ajv.errorsText(validate.errors, { dataVar: 'body' });
  }
}

function resolved(response: Response | undefined): FullResponse | undefined {
  if (!response || !('$ref' in response)) return response;
  return resolved(document.components.responses[response.$ref.split('/').at(-1) ?? '']);
}

function mediaTypeFor({ content = {} }: FullResponse, type: string): string | undefined {
  return Object.keys(content).find((name) => name === type || name === `${type.split('/')[0] ?? ''}/*`);
}

function pointerTo(
  request: FastifyRequest,
  route: string,
  status: number,
  response: FullResponse,
  media: string,
): string {
  if (media === 'application/problem+json') return '#/components/schemas/Problem';
  const schema = response.content?.[media]?.schema ?? {};
  if ('$ref' in schema) return String(schema.$ref);
  const method = request.method === 'HEAD' ? 'get' : request.method.toLowerCase();
  const steps = ['paths', documentedPath(route), method, 'responses', String(status), 'content', media, 'schema'];
  return `#/${steps.map((step) => encodeURIComponent(step.replaceAll('~', '~0').replaceAll('/', '~1'))).join('/')}`;
}
