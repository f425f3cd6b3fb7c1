import { Body, Controller, HttpCode, Post, Res } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import type { FastifyReply } from 'fastify';
import { type EvaluationBody, Evaluations } from '../evaluation/evaluations.service.js';
import { aborted } from './request-signal.js';

@Controller('api/evaluate')
export class EvaluationsController {
  constructor(private readonly evaluations: Evaluations) {}

  @Post()
  @RouteConfig({ takesBody: true })
  @HttpCode(200)
  evaluate(@Body() body: unknown, @Res({ passthrough: true }) reply: FastifyReply): Promise<EvaluationBody> {
    return this.evaluations.evaluate(body, aborted(reply));
  }
}
