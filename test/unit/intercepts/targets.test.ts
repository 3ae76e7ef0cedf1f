import { describe, expect, it } from 'vitest';
import { bindTargets, tcpPorts } from '../../../src/intercepts/targets.ts';
import type { Service } from '../../../src/model/cluster-state.ts';
import type { Target } from '../../../src/model/intercept.ts';
import { aPort, aService } from '../../support/builders.ts';

const several = aService({
  ports: [
    aPort({ name: 'http', port: 80 }),
    aPort({ name: 'grpc', port: 9000, targetPort: 'grpc' }),
    aPort({ name: 'redis', port: 6379 }),
    aPort({ name: 'dns', port: 53, transport: 'UDP' }),
  ],
});

function target(port?: string | number, targetPort?: string | number): Target {
  return { service: 'shop/api', port, targetPort };
}

function bind(service: Service | undefined, ...targets: readonly Target[]) {
  const { bindings, unbound } = bindTargets(targets, 'shop/api', service);
  return {
    bound: bindings.map(({ port, targetPort }) => [port.port, targetPort]),
    refused: unbound.map(({ port, fault }) => [port, fault.code]),
  };
}

describe('a target', () => {
  it.each([
    {
      name: 'without a port is all HTTP ports',
      targets: [target()],
      bound: [
        [80, undefined],
        [9000, undefined],
      ],
    },
    { name: 'names a port by name', targets: [target('grpc')], bound: [[9000, undefined]] },
    { name: 'names a port by number', targets: [target(9000)], bound: [[9000, undefined]] },
    { name: 'says the port of the preview', targets: [target('http', 9090)], bound: [[80, 9090]] },
    { name: 'says the port of the preview by name', targets: [target('http', 'web')], bound: [[80, 'web']] },
    {
      name: 'may be said with others',
      targets: [target('grpc'), target(80, 1234)],
      bound: [
        [80, 1234],
        [9000, undefined],
      ],
    },
    { name: 'may be said by name and by number alike', targets: [target('http', 1), target(80, 1)], bound: [[80, 1]] },
  ])('$name', ({ targets, bound }) => {
    expect(bind(several, ...targets)).toEqual({ bound, refused: [] });
  });

  it.each([
    { name: 'a port that is not there', targets: [target('web')], refused: [[0, 'UnknownPort']] },
    { name: 'a number that is not there', targets: [target(8080)], refused: [[8080, 'UnknownPort']] },
    { name: 'a port that is not HTTP', targets: [target('redis')], refused: [[6379, 'PortNotHttp']] },
    { name: 'a UDP port', targets: [target(53)], refused: [[53, 'PortNotHttp']] },
    { name: '=targetPort for several ports', targets: [target(undefined, 9090)], refused: [[0, 'InvalidTarget']] },
    { name: 'two ports of the preview for one', targets: [target('http', 1), target(80, 2)], refused: [[80, 'InvalidTarget']] },
  ])('cannot be $name', ({ targets, refused }) => {
    expect(bind(several, ...targets)).toEqual({ bound: [], refused });
  });

  it('with =targetPort alone is for a Service of one HTTP port', () => {
    expect(bind(aService(), target(undefined, 9090))).toEqual({ bound: [[80, 9090]], refused: [] });
    const withRedis = aService({ ports: [aPort(), aPort({ name: 'redis', port: 6379 })] });
    expect(bind(withRedis, target(undefined, 9090))).toEqual({ bound: [[80, 9090]], refused: [] });
  });

  it('is not there, outside, or speaks no HTTP at all', () => {
    expect(bind(undefined, target(), target(81)).refused).toEqual([
      [0, 'UnknownService'],
      [81, 'UnknownService'],
    ]);
    expect(bind(aService({ type: 'ExternalName' }), target()).refused).toEqual([[0, 'ExternalName']]);
    expect(bind(aService({ ports: [] }), target()).refused).toEqual([[0, 'PortNotHttp']]);
    expect(bind(aService({ ports: [aPort({ name: 'mysql' })] }), target()).refused).toEqual([[0, 'PortNotHttp']]);
  });

  it('that is refused does not touch the others', () => {
    expect(bind(several, target('web'), target('grpc'))).toEqual({ bound: [[9000, undefined]], refused: [[0, 'UnknownPort']] });
  });

  it('is told with the ports that there are', () => {
    const [unbound] = bindTargets([target('web')], 'shop/api', several).unbound;
    expect(unbound?.fault).toEqual({
      code: 'UnknownPort',
      message: 'Service shop/api has no port "web".',
      hint: 'It has 80 (http), 9000 (grpc), 6379 (redis), 53 (dns).',
    });
  });
});

describe('the TCP ports of a Service', () => {
  it('are one for each number, and no UDP port stands in their way', () => {
    const ports = [
      aPort({ name: 'dns-udp', port: 53, transport: 'UDP' }),
      aPort({ name: 'http-dns', port: 53 }),
      aPort({ name: 'again', port: 53 }),
    ];
    expect(tcpPorts(aService({ ports })).map(({ name }) => name)).toEqual(['http-dns']);
    expect(bind(aService({ ports }), target(53))).toEqual({ bound: [[53, undefined]], refused: [] });
  });
});
