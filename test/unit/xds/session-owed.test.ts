import { expect, test } from 'vitest';
import { typesOf } from '../../../src/translate/scope.ts';
import { decodeDeltaRequest } from '../../../src/xds/codec.ts';
import { Encoder } from '../../../src/xds/resource.ts';
import { Session } from '../../../src/xds/session.ts';
import { factsOf } from '../../../src/xds/type-urls.ts';
import { View } from '../../../src/xds/view.ts';
import { fakeResource } from '../../support/xds/fake-world.ts';
import { encodeRequest } from '../../support/xds/independent.ts';

const { typeUrl } = factsOf('cluster');

test.each([
  ['an aggregated stream', true],
  ['a stream for clusters alone', false],
])('%s whose client never asks for endpoints remembers none of what is gone', (_, isAggregated) => {
  const encoder = new Encoder();
  const view = new View('test', typesOf({ kind: 'client' }));
  const session = new Session({ id: 's', protocol: 'delta', isAggregated, view, now: 0, gateMs: 15_000, maxBytes: 2_000_000 });
  const say = (request: object) =>
    session.receiveDelta(decodeDeltaRequest(encodeRequest('DeltaDiscoveryRequest', { type_url: typeUrl, ...request })), 0);
  say({ node: { id: 'a' } });
  for (let round = 0; round < 1_000; round += 1) {
    const name = `cluster-${round}`;
    const resource = encoder.encode({ ...fakeResource('cluster', name, ''), endpointsName: name });
    view.apply([{ type: 'cluster', name, resource }]);
    for (let response = session.next(0); response !== undefined; response = session.next(0))
      say({ response_nonce: response.nonce });
    view.apply([{ type: 'cluster', name, resource: undefined }]);
    for (let response = session.next(0); response !== undefined; response = session.next(0))
      say({ response_nonce: response.nonce });
  }
  expect(session.owedEndpoints).toBeLessThanOrEqual(isAggregated ? 70 : 0);
});
