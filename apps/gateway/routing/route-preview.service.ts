import { Inject, Injectable } from '@nestjs/common';
import { z } from 'zod';
import { defaultSpanLengths } from '#audio';
import type { Config } from '#config';
import type { JobOptions, RegistrySnapshot } from '#contracts';
import { RegistryWatcher } from '#engine-client';
import { refusal, route, type RoutingRequest, routingRequestOf } from '#routing';
import { fieldErrors, invalid } from '../submit/field-errors.js';
import { SubmitOptionsReader } from '../submit/submit-options.service.js';
import { CONFIG } from '../tokens.js';
import { type RouteView, routeView } from './route-view.js';

/** A week: longer than any recording that is taken. */
const MAX_DURATION_S = 604_800;
const durationError = `must be a number of seconds from 0.001 to ${MAX_DURATION_S}`;

/** What the query has beside the options of a submission. */
export const routeQuery = z.object({
  duration_s: z
    .preprocess(
      (value) => (value === '' ? undefined : value),
      z.coerce
        .number({ error: durationError })
        .min(0.001, { error: durationError })
        .max(MAX_DURATION_S, { error: durationError })
        .optional(),
    )
    .describe('Length of the audio in seconds; limits of engines are not looked at without it.'),
});

/** Shows how a request would be routed, and creates nothing. */
@Injectable()
export class RoutePreview {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly registry: RegistryWatcher,
    private readonly options: SubmitOptionsReader,
  ) {}

  /**
   * @param query the options of a submission, and `duration_s`
   * @throws PolyscribeError `invalid_request`, `unknown_engine`, `context_not_found`
   */
  async view(query: Readonly<Record<string, unknown>>): Promise<RouteView> {
    const { duration_s: duration, ...fields } = query;
    const parsed = routeQuery.safeParse({ duration_s: duration });
    if (!parsed.success) throw invalid(fieldErrors(parsed.error.issues, []));
    const { options, refusal: refused } = await this.options.preview(fields, Object.keys(routeQuery.shape));
    const request = requestOf(options, parsed.data.duration_s);
    const { routing } = this.config;
    const decision = route(request, partOf(this.registry.snapshot(), options), routing);
    // Only the mesh needs engines of its own that take the length.
    const tooLong = options.worker === 'remote' ? undefined : refusal(request, decision);
    return routeView(request, decision, refused ?? tooLong, routing);
  }
}

/** Several engines are routed one by one: the others have no part in it. */
function partOf({ instances, revision }: RegistrySnapshot, { engines }: JobOptions): RegistrySnapshot {
  if (!engines) return { instances, revision };
  return { instances: instances.filter(({ description }) => engines.includes(description.engine)), revision };
}

/** The call that would be routed: spans of long audio are routed one by one, unless speakers need all of it at once. */
function requestOf(options: JobOptions, durationS: number | undefined): RoutingRequest {
  const request = routingRequestOf(options);
  if (durationS === undefined) return request;
  const { maxMs, targetMs } = defaultSpanLengths;
  const isCut = !options.enableDiarization && durationS * 1000 > maxMs;
  return { ...request, audioMs: isCut ? targetMs : Math.ceil(durationS * 1000) };
}
