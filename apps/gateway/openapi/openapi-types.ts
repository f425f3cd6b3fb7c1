/** The part of OpenAPI 3.1 that the document uses. */
export interface Parameter {
  readonly name: string;
  readonly in: 'query' | 'path' | 'header';
  readonly required?: boolean;
  readonly schema: object;
  readonly description?: string;
}

export type Content = Readonly<Record<string, { readonly schema: object }>>;

export interface Header {
  readonly description: string;
  readonly schema: object;
}

export type Response =
  | {
      readonly description: string;
      readonly headers?: Readonly<Record<string, Header>>;
      readonly content?: Content;
    }
  | { readonly $ref: string };

export type Responses = Readonly<Record<string, Response>>;

export interface Operation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly description?: string;
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly required: boolean; readonly content: Content };
  readonly responses: Responses;
}

export type Paths = Readonly<
  Record<string, Readonly<Partial<Record<'get' | 'post' | 'put' | 'patch' | 'delete' | 'head' | 'options', Operation>>>>
>;

export interface ApiDocument {
  readonly openapi: '3.1.0';
  readonly info: object;
  readonly servers: readonly { readonly url: string }[];
  readonly paths: Paths;
  readonly components: {
    readonly schemas: Readonly<Record<string, object>>;
    readonly responses: Readonly<Record<string, Response>>;
  };
}
