/** The protocol as a client speaks it, request by request. */
export class TusClient {
  constructor(readonly baseUrl: string) {}

  create(bytes: number, metadata: Readonly<Record<string, string>> = {}): Promise<Response> {
    const pairs = Object.entries(metadata).map(([name, value]) => `${name} ${Buffer.from(value).toString('base64')}`);
    return this.request('POST', '/api/uploads', {
      'upload-length': String(bytes),
      ...(pairs.length === 0 ? {} : { 'upload-metadata': pairs.join(',') }),
    });
  }

  /** The path of a new upload. */
  async created(bytes: number, metadata: Readonly<Record<string, string>> = {}): Promise<string> {
    const response = await this.create(bytes, metadata);
    const path = response.headers.get('location');
    if (response.status !== 201 || path === null) throw new Error(`The upload was not made: ${response.status}.`);
    return path;
  }

  send(path: string, offset: number, body: Uint8Array<ArrayBuffer>): Promise<Response> {
    const headers = { 'upload-offset': String(offset), 'content-type': 'application/offset+octet-stream' };
    return this.request('PATCH', path, headers, body);
  }

  /** A whole upload. @returns its id */
  async upload(content: Uint8Array<ArrayBuffer>, metadata: Readonly<Record<string, string>> = {}): Promise<string> {
    const path = await this.created(content.length, metadata);
    const response = await this.send(path, 0, content);
    if (response.status !== 204) throw new Error(`The upload was not taken: ${response.status}.`);
    return path.split('/').at(-1) ?? '';
  }

  /** How much of it is safe. */
  async offset(path: string): Promise<number> {
    const response = await this.request('HEAD', path);
    if (response.status !== 200) throw new Error(`The upload is not known: ${response.status}.`);
    return Number(response.headers.get('upload-offset'));
  }

  request(
    method: string,
    path: string,
    headers: Readonly<Record<string, string>> = {},
    body?: Uint8Array<ArrayBuffer>,
  ): Promise<Response> {
    return fetch(this.baseUrl + path, {
      method,
      headers: { 'tus-resumable': '1.0.0', ...headers },
      ...(body === undefined ? {} : { body }),
    });
  }

  submit(uploadId: string, fields: Readonly<Record<string, string>> = {}, key?: string): Promise<Response> {
    return fetch(`${this.baseUrl}/api/transcribe/jobs/transcribe`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(key === undefined ? {} : { 'idempotency-key': key }) },
      body: JSON.stringify({ upload_id: uploadId, ...fields }),
    });
  }
}
