import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import { from, lastValueFrom, type Observable } from 'rxjs';
import { withinDeadline } from '../within-deadline.js';

/** A client that waits longer than that for a plain answer is better told to come back. */
export const ANSWER_DEADLINE_MS = 1_900;

/** Answers 503 when a database that does not refuse but hangs holds up a route. Not for uploads and streams. */
@Injectable()
export class DeadlineInterceptor implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const answer = lastValueFrom(next.handle(), { defaultValue: undefined });
    return from(withinDeadline(answer, ANSWER_DEADLINE_MS, 'database'));
  }
}
