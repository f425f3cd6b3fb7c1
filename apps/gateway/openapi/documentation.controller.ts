import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { Controller, Get, Inject, Param, Res } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import type { FastifyReply } from 'fastify';
import type { Config } from '#config';
import { PolyscribeError } from '#contracts';
import { CONFIG } from '../tokens.js';
import { apiDocument } from './api-document.js';

const page = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <title>Polyscribe API</title>
    <link rel="stylesheet" href="./docs/swagger-ui.css" />
    <link rel="icon" type="image/png" href="./docs/favicon-32x32.png" />
  </head>
  <body>
    <div id="swagger-ui"></div>
    <script src="./docs/swagger-ui-bundle.js"></script>
    <script src="./docs/start.js"></script>
  </body>
</html>
`;

const startScript = `SwaggerUIBundle({ url: './openapi.json', dom_id: '#swagger-ui', deepLinking: true, validatorUrl: null });
`;

/** What the page needs of the package, and nothing else of it. */
const assetTypes: Readonly<Record<string, string>> = {
  'swagger-ui.css': 'text/css; charset=utf-8',
  'swagger-ui-bundle.js': 'text/javascript; charset=utf-8',
  'favicon-32x32.png': 'image/png',
};

/** Swagger UI runs its own scripts, sets styles on elements and draws its icons from data URLs. */
const pagePolicy =
  "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'";

/** The document, and a page to read it, whose files come from here and not from another host. */
@Controller()
export class DocumentationController {
  private readonly resolve = createRequire(import.meta.url).resolve;
  private document: string | undefined;

  constructor(@Inject(CONFIG) private readonly config: Config) {}

  @Get('openapi.json')
  @RouteConfig({ takesQuery: true })
  async openApi(@Res() reply: FastifyReply): Promise<void> {
    this.document ??= JSON.stringify(apiDocument(this.config.http.publicUrl ?? '/'));
    await reply.type('application/json; charset=utf-8').send(this.document);
  }

  @Get('docs')
  @RouteConfig({ takesQuery: true })
  async read(@Res() reply: FastifyReply): Promise<void> {
    await reply.type('text/html; charset=utf-8').header('content-security-policy', pagePolicy).send(page);
  }

  @Get('docs/start.js')
  @RouteConfig({ takesQuery: true })
  async start(@Res() reply: FastifyReply): Promise<void> {
    await reply.type('text/javascript; charset=utf-8').send(startScript);
  }

  @Get('docs/*')
  @RouteConfig({ takesQuery: true })
  async asset(@Param('*') name: string, @Res() reply: FastifyReply): Promise<void> {
    const type = Object.hasOwn(assetTypes, name) ? assetTypes[name] : undefined;
    if (name === '') {
      // The page names its files from where it lies. Relative, so that it works behind a proxy's path as well.
      await reply.redirect('../docs', 308);
      return;
    }
    if (type === undefined) throw new PolyscribeError('not_found', 'There is no such file.');
    const bytes = await readFile(this.resolve(`swagger-ui-dist/${name}`));
    await reply.type(type).header('cache-control', 'public, max-age=86400').send(bytes);
  }
}
