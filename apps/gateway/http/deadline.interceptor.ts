import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import { from, lastValueFrom, type Observable } from 'rxjs';
import { inAnswerTime } from '../answer-time.js';

/** Answers 503 when a database that does not refuse but hangs holds up a route. Not for uploads, streams and changes. */
@Injectable()
export class DeadlineInterceptor implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const answer = lastValueFrom(next.handle(), { defaultValue: undefined });
    return from(inAnswerTime(answer));
  }
}
