import type { EndpointName, ServiceDefinition } from './service-definition.js';
import { startOrder } from './start-order.js';

function service(name: string, needs: EndpointName[], provides: EndpointName[] = []): ServiceDefinition {
  return { name, needs, provides, start: () => Promise.reject(new Error('not started in this test')) };
}

describe('startOrder', () => {
  it('starts what provides before what needs, and otherwise keeps the order given', () => {
    const order = startOrder(
      [
        service('gateway', ['database', 'registry'], ['http']),
        service('worker', ['database', 'registry']),
        service('registry', [], ['registry']),
        service('postgres', [], ['database']),
      ],
      [],
    );
    expect(order.map((d) => d.name)).toEqual(['registry', 'postgres', 'gateway', 'worker']);
  });

  it('takes an endpoint that is given as there from the start', () => {
    expect(startOrder([service('worker', ['database'])], ['database'])).toHaveLength(1);
  });

  it('names the service and the endpoint when nobody provides it', () => {
    expect(() => startOrder([service('worker', ['database'])], [])).toThrow(/worker needs database/);
  });

  it('refuses a circle and names who is in it', () => {
    const circle = [service('a', ['http'], ['grpc']), service('b', ['grpc'], ['http'])];
    expect(() => startOrder(circle, [])).toThrow(/circle: a, b/);
  });
});
