import { type Config, loadConfig } from '#config';
import { createLogger } from '#telemetry';
import type { EndpointName, Endpoints, ServiceDefinition } from './service-definition.js';
import { startServices } from './service-host.js';

const logger = createLogger('test', 'silent');

/** Records starts and stops in `log`, in order. */
function recording(
  log: string[],
  name: string,
  needs: EndpointName[],
  endpoints: Endpoints,
  failure?: 'start' | 'stop',
): ServiceDefinition {
  return {
    name,
    needs,
    provides: Object.keys(endpoints) as EndpointName[],
    start(context) {
      if (failure === 'start') return Promise.reject(new Error(`${name} cannot start`));
      log.push(`start ${name}${needs.map((need) => ` ${need}=${context.endpoint(need)}`).join('')}`);
      return Promise.resolve({
        endpoints,
        stop() {
          log.push(`stop ${name}`);
          return failure === 'stop' ? Promise.reject(new Error('stuck')) : Promise.resolve();
        },
      });
    },
  };
}

describe('startServices', () => {
  it('hands each service the addresses of those it needs and stops all in reverse', async () => {
    const log: string[] = [];
    const services = [
      recording(log, 'worker', ['registry'], {}),
      recording(log, 'registry', [], { registry: 'here:1' }),
    ];
    const started = await startServices(services, loadConfig({}), logger);
    await started.stop();
    await started.stop();
    expect(log).toEqual(['start registry', 'start worker registry=here:1', 'stop worker', 'stop registry']);
  });

  it('does not let a slow service keep those waiting that do not need it', async () => {
    const log: string[] = [];
    let finish = (): void => undefined;
    const slow: ServiceDefinition = {
      name: 'slow',
      needs: [],
      provides: ['grpc'],
      start: () =>
        new Promise((resolve) => {
          finish = () => {
            log.push('start slow');
            resolve({ endpoints: { grpc: 'late:1' }, stop: () => Promise.resolve() });
          };
        }),
    };
    const quick: ServiceDefinition = {
      ...recording(log, 'registry', [], { registry: 'here:1' }),
      start(context) {
        queueMicrotask(() => finish());
        return recording(log, 'registry', [], { registry: 'here:1' }).start(context);
      },
    };
    const services = [slow, recording(log, 'needs slow', ['grpc'], {}), quick];
    const started = await startServices(services, loadConfig({}), logger);
    await started.stop();
    expect(log.slice(0, 3)).toEqual(['start registry', 'start slow', 'start needs slow grpc=late:1']);
  });

  it('leaves out a service whose endpoint is configured to be elsewhere', async () => {
    const log: string[] = [];
    const services = [
      recording(log, 'registry', [], { registry: 'here:1' }),
      recording(log, 'worker', ['registry'], {}),
    ];
    const started = await startServices(services, loadConfig({ ENGINE_REGISTRY_URL: 'there:2' }), logger);
    await started.stop();
    expect(log).toEqual(['start worker registry=there:2', 'stop worker']);
  });

  it('leaves out a service whose variable is not set', async () => {
    const log: string[] = [];
    const requires = { variable: 'APP_URL', isSet: (config: Config) => config.http.publicUrl !== undefined };
    const optional = { ...recording(log, 'optional', [], {}), requires };
    const services = [recording(log, 'registry', [], { registry: 'here:1' }), optional];
    await (await startServices(services, loadConfig({}), logger)).stop();
    expect(log).toEqual(['start registry', 'stop registry']);
    await (await startServices(services, loadConfig({ APP_URL: 'http://here' }), logger)).stop();
    expect(log.slice(2)).toEqual(['start registry', 'start optional', 'stop optional', 'stop registry']);
  });

  it('names the variable when nothing is left to start', async () => {
    const requires = { variable: 'APP_URL', isSet: (config: Config) => config.http.publicUrl !== undefined };
    const optional = { ...recording([], 'optional', [], {}), requires };
    await expect(startServices([optional], loadConfig({}), logger)).rejects.toThrow(/optional needs APP_URL/);
  });

  it('stops what it started when a later one fails, and throws its error', async () => {
    const log: string[] = [];
    const services = [
      recording(log, 'registry', [], { registry: 'here:1' }),
      recording(log, 'worker', ['registry'], {}, 'start'),
    ];
    await expect(startServices(services, loadConfig({}), logger)).rejects.toThrow('worker cannot start');
    expect(log).toEqual(['start registry', 'stop registry']);
  });

  it('stops the others when one cannot be stopped', async () => {
    const log: string[] = [];
    const services = [
      recording(log, 'registry', [], { registry: 'here:1' }),
      recording(log, 'worker', ['registry'], {}, 'stop'),
    ];
    const started = await startServices(services, loadConfig({}), logger);
    await started.stop();
    expect(log.slice(-2)).toEqual(['stop worker', 'stop registry']);
  });
});
