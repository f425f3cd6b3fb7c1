import { ChannelCredentials } from '@grpc/grpc-js';
import { scriptedSpeech } from '#engine-testkit';
import { healthV1, riva } from '#protos';
import { type DevCertificates, eventually, makeDevCertificates } from '#testing';
import { rivaErrors } from './riva-errors.js';
import { RivaSimulatorProcess } from './riva-simulator-process.js';
import type { RivaScript } from './riva-script.js';
import { statusOf } from './testing/bare-client.js';
import { Simulators, chunksOf } from './testing/simulators.js';

const speech = scriptedSpeech([['alpha'], ['bravo']]);
const { SERVING, NOT_SERVING } = healthV1.HealthCheckResponse_ServingStatus;
const asrService = riva.RivaSpeechRecognitionDefinition.fullName;

describe('connections', () => {
  const simulators = new Simulators();
  afterEach(() => simulators.closeAll());

  describe('health', () => {
    it('answers for the server and for speech recognition, and counts the questions', async () => {
      const { client, simulator } = await simulators.start();
      await expect(client.health.check({})).resolves.toEqual({ status: SERVING });
      simulator.setServing(false);
      await expect(client.health.check({ service: asrService })).resolves.toEqual({ status: NOT_SERVING });
      expect(simulator.seen.healthChecks).toBe(2);
    });

    it('does not serve while models load', async () => {
      const { client, simulator } = await simulators.start({ health: 'not_serving' });
      await expect(client.health.check({})).resolves.toEqual({ status: NOT_SERVING });
      simulator.setServing(true);
      await expect(client.health.check({})).resolves.toEqual({ status: SERVING });
    });

    it('is missing where the server has none', async () => {
      const { client } = await simulators.start({ health: 'missing' });
      await expect(statusOf(client.health.check({}))).resolves.toMatch(/^UNIMPLEMENTED: /);
      await expect(statusOf(client.asr.getRivaSpeechRecognitionConfig({}))).resolves.toBe('OK');
    });
  });

  describe('TLS', () => {
    let ours: DevCertificates;

    beforeAll(async () => {
      ours = await makeDevCertificates();
    });
    afterAll(() => ours.dispose());

    /** With the second one, what stands before the server does the TLS. */
    const scripts: [string, RivaScript][] = [
      ['by the server', {}],
      ['by its front', { faults: [{ calls: [2], does: { kind: 'reset' } }] }],
    ];

    it.each(scripts)('is spoken %s', async (_title, script) => {
      const tls = { certificate: ours.tls.certificate.toString(), privateKey: ours.tls.privateKey.toString() };
      const credentials = ChannelCredentials.createSsl(ours.tls.authority);
      const { client, simulator } = await simulators.start(script, { tls }, credentials);
      await expect(client.stream({ chunks: chunksOf(speech) })).resolves.toMatchObject({ finals: [{}, {}] });
      const inTheClear = simulators.connect(simulator.address);
      await expect(statusOf(inTheClear.health.check({}))).resolves.toMatch(/^UNAVAILABLE: /);
    });

    it.each(scripts)('is mutual %s', async (_title, script) => {
      const { certificate, privateKey, authority } = ours.tls;
      const tls = {
        certificate: certificate.toString(),
        privateKey: privateKey.toString(),
        clientAuthority: authority.toString(),
      };
      const credentials = ChannelCredentials.createSsl(authority, privateKey, certificate);
      const { client, simulator } = await simulators.start(script, { tls }, credentials);
      await expect(client.stream({ chunks: chunksOf(speech) })).resolves.toMatchObject({ finals: [{}, {}] });
      const anybody = simulators.connect(`localhost:${simulator.port}`, ChannelCredentials.createSsl(authority));
      await expect(statusOf(anybody.health.check({}))).resolves.toMatch(/^UNAVAILABLE: /);
    });
  });

  it('frees its port when it stops, and breaks off what runs', async () => {
    const { client, simulator } = await simulators.start({ faults: [{ does: { kind: 'stall' } }] });
    const outcome = client.stream({ chunks: [] });
    await eventually('the stream', () => simulator.seen.openStreams === 1);
    await simulator.stop();
    await expect(outcome).resolves.toMatchObject({ error: expect.any(String) as string });
    const { simulator: next } = await simulators.start({}, { port: simulator.port });
    expect(next.port).toBe(simulator.port);
  });

  it('refuses to start where the port is taken', async () => {
    const { simulator } = await simulators.start();
    const { port } = simulator;
    await expect(simulators.start({}, { port })).rejects.toThrow('EADDRINUSE');
    const faults = [{ does: { kind: 'disconnect' } }] as const;
    await expect(simulators.start({ faults }, { port })).rejects.toThrow('EADDRINUSE');
  });

  it("dies in the test's process by cutting all connections", async () => {
    const { client } = await simulators.start({
      faults: [{ when: { at: 'finals', count: 1 }, does: { kind: 'die' } }],
    });
    const { error } = await client.stream({ chunks: chunksOf(speech) });
    expect(error).toBeDefined();
    await expect(statusOf(client.health.check({}))).resolves.toMatch(/^UNAVAILABLE: /);
  });

  describe('as a process of its own', () => {
    async function startProcess(script: RivaScript, port = 0): Promise<RivaSimulatorProcess> {
      const simulator = await RivaSimulatorProcess.start(script, { port });
      simulators.closeLater(() => simulator.kill());
      return simulator;
    }

    it('serves, tells what it saw and what health says', async () => {
      const simulator = await startProcess({ speech: { spacing: 'leading' } });
      const client = simulators.connect(simulator.address);
      const { finals } = await client.stream({ chunks: chunksOf(speech), config: { languageCode: 'en-US' } });
      expect(finals.map((final) => final.transcript)).toEqual(['alpha', ' bravo']);
      simulator.setServing(false);
      await expect(client.health.check({})).resolves.toEqual({ status: NOT_SERVING });
      const seen = await simulator.seen();
      expect(seen).toMatchObject({ healthChecks: 1, openStreams: 0 });
      expect(seen.calls).toMatchObject([
        { method: 'StreamingRecognize', finals: 2, config: { languageCode: 'en-US' } },
      ]);
    });

    it('kills itself in the middle of a stream and can be started again on its port', async () => {
      const simulator = await startProcess({
        faults: [{ when: { at: 'finals', count: 1 }, does: { kind: 'die' } }],
      });
      const client = simulators.connect(simulator.address);
      const { error } = await client.stream({ chunks: chunksOf(speech) });
      expect(error).toMatch(/^UNAVAILABLE: /);
      await simulator.exited;
      await startProcess({}, simulator.port);
      const again = simulators.connect(simulator.address);
      await expect(again.stream({ chunks: chunksOf(speech) })).resolves.toMatchObject({ finals: [{}, {}] });
    });

    it('says why it cannot start', async () => {
      const { port } = await startProcess({ faults: [{ does: { kind: 'error', error: rivaErrors.socketClosed } }] });
      await expect(RivaSimulatorProcess.start({}, { port })).rejects.toThrow('EADDRINUSE');
    });
  });
});
