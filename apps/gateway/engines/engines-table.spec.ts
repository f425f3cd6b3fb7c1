import type { EngineInstance } from '#contracts';
import { instanceOf } from '../../../libs/routing/testing.js';
import { loadConfig } from '#config';
import { enginesPage } from './engines-page.js';
import { enginesText } from './engines-text.js';
import { EnginesQuery } from './engines.service.js';

const now = new Date('2026-03-01T12:00:00Z');

function secondsAgo(seconds: number): Date {
  return new Date(now.getTime() - seconds * 1000);
}

function up(instance: EngineInstance): EngineInstance {
  return { ...instance, registeredAt: secondsAgo(7_500), lastSeenAt: secondsAgo(2) };
}

function viewOf(instances: readonly EngineInstance[], registry = { connected: true, ageMs: 0 }) {
  const watcher = { ...registry, snapshot: () => ({ instances, revision: 1 }) };
  return new EnginesQuery(loadConfig({}), watcher).view();
}

const well = up(
  instanceOf('local', {
    id: 'local-1a2b3c4d-0000-4000-8000-000000000000',
    inFlight: 1,
    stats: { calls: 40, realTimeFactor: 0.032, errorRate: 0.024, queueMs: 120, recentErrors: 0 },
  }),
);
const failing = up(
  instanceOf('asr', {
    id: 'asr-5e6f7a8b-0000-4000-8000-000000000000',
    stats: {
      calls: 12,
      realTimeFactor: 0.001,
      errorRate: 0.5,
      recentErrors: 6,
      lastError: { code: 'engine_timeout', message: 'It did not\nfinish \u001b[31min <time>.', at: secondsAgo(90) },
    },
    breaker: { state: 'open', since: secondsAgo(61), reason: '3 calls in a row failed, the last with engine_timeout' },
  }),
);

describe('the table of engines as text', () => {
  it('has an aligned line for each instance, and beneath it what went wrong', () => {
    expect(enginesText(viewOf([well, failing]), now)).toBe(
      [
        'ENGINE    INSTANCE        ADDRESS                                       STATE    BREAKER  IN FLIGHT  SPEED   QUEUE   ERRORS  LAST 5 MIN  UP FOR  SEEN',
        'asr       asr-5e6f7a8b    asr-5e6f7a8b-0000-4000-8000-000000000000:1    serving  open     0/2        1000 x  0 s     50 %    6           2 h     2 s ago',
        '  breaker open for 1 min: 3 calls in a row failed, the last with engine_timeout',
        '  last error 1 min ago: engine_timeout: It did not finish [31min <time>.',
        'whisperx  -               -                                             absent   -        -          -       -       -       -           -       -',
        '  no instance is registered',
        'local     local-1a2b3c4d  local-1a2b3c4d-0000-4000-8000-000000000000:1  serving  closed   1/2        31 x    0.12 s  2 %     0           2 h     2 s ago',
        '',
      ].join('\n'),
    );
  });

  it('shows nothing as measured that is not', () => {
    const text = enginesText(viewOf([up(instanceOf('local'))]), now);
    expect(text).toMatch(/local .* serving +closed +0\/2 +- +- +- +0 /);
  });

  it('says when what it shows is old', () => {
    const text = enginesText(viewOf([well], { connected: false, ageMs: 12_300 }), now);
    expect(text).toContain('\n\nNo engine registry has been reached for 12 s; this is what was last known.\n');
  });
});

describe('the page of engines', () => {
  it('escapes what engines tell of themselves', () => {
    const page = enginesPage(viewOf([up(instanceOf('local', { state: 'unavailable', reason: '<script>"&' }))]), now);
    expect(page).toContain('unavailable: &lt;script&gt;&quot;&amp;');
    expect(page).not.toContain('<script>');
  });

  it('shows the same as the text', () => {
    const view = viewOf([well, failing]);
    const page = enginesPage(view, now);
    for (const [word] of enginesText(view, now).matchAll(/asr-5e6f7a8b|1000 x|0\.12 s|50 %|open for 1 min/g)) {
      expect(page).toContain(word);
    }
    expect(page).toContain('2 of 3 kinds available');
  });
});

describe('EnginesQuery', () => {
  it('says of a kind whose breakers are all open that it is the last resort', () => {
    const { asr, local } = viewOf([well, failing]).engines;
    expect(asr).toMatchObject({ available: true, reason: expect.stringContaining('no other engine') as string });
    expect(local).not.toHaveProperty('reason');
    expect(asr.instances).toMatchObject([
      {
        breaker: { state: 'open', since: '2026-03-01T11:58:59.000Z' },
        speed: 1000,
        error_rate: 0.5,
        errors_5m: 6,
        last_error: { code: 'engine_timeout', at: '2026-03-01T11:58:30.000Z' },
        up_since: '2026-03-01T09:55:00.000Z',
      },
    ]);
  });

  it('takes the word of an instance for its speed until calls were measured', () => {
    expect(viewOf([instanceOf('local', { speed: 20 })]).engines.local.instances).toMatchObject([{ speed: 20 }]);
  });
});
