import { describe, expect, it } from 'vitest';
import { isTls, portProtocol } from '../../../src/intercepts/protocol.ts';
import type { PortProtocol } from '../../../src/model/intercept.ts';
import { aPort } from '../../support/builders.ts';

/** appProtocol, name, what it is. */
const CASES: readonly (readonly [string, string, PortProtocol])[] = [
  ['http', '', 'http1'],
  ['HTTP', '', 'http1'],
  ['kubernetes.io/ws', '', 'http1'],
  ['http2', '', 'http2'],
  ['HTTP2', '', 'http2'],
  ['grpc', '', 'http2'],
  ['kubernetes.io/h2c', '', 'http2'],
  ['https', '', 'opaque'],
  ['kubernetes.io/wss', '', 'opaque'],
  ['tcp', '', 'opaque'],
  ['tls', '', 'opaque'],
  ['redis', '', 'opaque'],
  // The appProtocol counts before the name.
  ['grpc', 'http', 'http2'],
  ['tcp', 'http', 'opaque'],
  ['http', 'mysql', 'http1'],
  // One of somebody's own leaves it to the name.
  ['example.com/custom', 'grpc', 'http2'],
  ['example.com/custom', '', 'maybe'],
  ['', 'http', 'http1'],
  ['', 'http-public', 'http1'],
  ['', 'http8080', 'http1'],
  ['', 'ws', 'http1'],
  ['', 'ws-events', 'http1'],
  ['', 'http2', 'http2'],
  ['', 'http2-internal', 'http2'],
  ['', 'grpc', 'http2'],
  ['', 'grpc-admin', 'http2'],
  ['', 'h2c', 'http2'],
  ['', 'grpc-web', 'http1'],
  ['', 'https', 'opaque'],
  ['', 'https-admin', 'opaque'],
  ['', 'https2', 'opaque'],
  ['', 'tcp', 'opaque'],
  ['', 'tcp-http', 'opaque'],
  ['', 'tls', 'opaque'],
  ['', 'wss', 'opaque'],
  ['', 'mysql', 'opaque'],
  ['', 'mysql2', 'opaque'],
  ['', 'postgres-main', 'opaque'],
  ['', 'redis', 'opaque'],
  ['', 'mongodb', 'opaque'],
  ['', '', 'maybe'],
  ['', 'web', 'maybe'],
  ['', 'metrics', 'maybe'],
  ['', 'wsdl', 'maybe'],
];

describe('the protocol of a port', () => {
  it.each([
    [443, '', '', 'opaque', true],
    [443, 'web', '', 'opaque', true],
    [443, 'http', '', 'http1', false],
    [443, '', 'http', 'http1', false],
    [443, 'tcp', '', 'opaque', false],
    [3306, '', '', 'opaque', false],
    [25, 'main', '', 'opaque', false],
    [25, '', 'http', 'http1', false],
    [8443, '', '', 'maybe', false],
    [8443, 'https-admin', '', 'opaque', true],
    [8080, '', 'kubernetes.io/wss', 'opaque', true],
    [8080, 'https', 'tcp', 'opaque', false],
  ] as const)('port %d, name %j, appProtocol %j: %s, TLS: %s', (port, name, appProtocol, protocol, tls) => {
    expect(portProtocol(aPort({ port, name, appProtocol }))).toBe(protocol);
    expect(protocol === 'opaque' && isTls(aPort({ port, name, appProtocol }))).toBe(tls);
  });

  it.each(CASES)('appProtocol %j, name %j: %s', (appProtocol, name, protocol) => {
    expect(portProtocol(aPort({ appProtocol, name }))).toBe(protocol);
  });

  it('is never HTTP over UDP or SCTP, whatever it is called', () => {
    expect(portProtocol(aPort({ transport: 'UDP', name: 'http' }))).toBe('opaque');
    expect(portProtocol(aPort({ transport: 'SCTP', appProtocol: 'http' }))).toBe('opaque');
  });
});
