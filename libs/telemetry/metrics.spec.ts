import { Metrics } from './metrics.js';
import { serveMetrics } from './metrics-server.js';

describe('Metrics', () => {
  it('gives two services that share a process the same counter', async () => {
    const metrics = new Metrics();
    metrics.counter('calls_total', 'Calls.', ['engine']).inc({ engine: 'asr' });
    metrics.counter('calls_total', 'Calls.', ['engine']).inc({ engine: 'local' }, 2);
    const text = await metrics.render();
    expect(text).toContain('calls_total{engine="asr"} 1');
    expect(text).toContain('calls_total{engine="local"} 2');
  });

  it('leaves out what cannot be read, and keeps the rest', async () => {
    const metrics = new Metrics();
    metrics.reading('broken', 'Cannot be read.', [], () => Promise.reject(new Error('away')));
    metrics.reading('engines', 'Engines.', ['engine'], () => [{ labels: { engine: 'asr' }, value: 2 }]);
    metrics.gauge('running', 'Running.').set(3);
    const text = await metrics.render();
    expect(text).not.toMatch(/^broken /m);
    expect(text).toContain('engines{engine="asr"} 2');
    expect(text).toContain('running 3');
  });
});

describe('serveMetrics', () => {
  it('serves the metrics of the process and nothing else', async () => {
    const server = await serveMetrics(Metrics.ofProcess(), '127.0.0.1', 0);
    try {
      const answer = await fetch(`http://127.0.0.1:${server.port}/metrics`);
      expect(answer.headers.get('content-type')).toMatch(/^text\/plain/);
      expect(await answer.text()).toMatch(/^nodejs_eventloop_lag_seconds \S+$/m);
      expect((await fetch(`http://127.0.0.1:${server.port}/`)).status).toBe(404);
      expect((await fetch(`http://127.0.0.1:${server.port}/metrics`, { method: 'POST' })).status).toBe(404);
    } finally {
      await server.close();
    }
  });
});
