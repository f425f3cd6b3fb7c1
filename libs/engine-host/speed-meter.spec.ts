import { SpeedMeter } from './speed-meter.js';

describe('SpeedMeter', () => {
  it('knows nothing before the first call', () => {
    expect(new SpeedMeter().speed).toBe(0);
  });

  it('takes the first call as it is and moves towards the later ones', () => {
    const meter = new SpeedMeter();
    meter.measure(10_000, 1_000, 0);
    expect(meter.speed).toBe(10);
    meter.measure(20_000, 1_000, 0);
    expect(meter.speed).toBeCloseTo(13);
    for (let call = 0; call < 30; call += 1) meter.measure(20_000, 1_000, 0);
    expect(meter.speed).toBeCloseTo(20, 2);
  });

  it('forgets what it measured a quarter of an hour ago', () => {
    let nowMs = 0;
    const meter = new SpeedMeter(() => nowMs);
    meter.measure(10_000, 100_000, 0);
    nowMs = 900_000;
    expect(meter.speed).toBeCloseTo(0.1);
    nowMs += 1;
    expect(meter.speed).toBe(0);
    meter.measure(10_000, 1_000, 0);
    expect(meter.speed).toBe(10);
  });

  it('leaves out calls that say little: short ones, and those that mostly waited for the client', () => {
    const meter = new SpeedMeter();
    meter.measure(999, 1, 0);
    meter.measure(10_000, 10_000, 6_000);
    expect(meter.speed).toBe(0);
  });
});
