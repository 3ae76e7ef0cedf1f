import { expect, test } from 'vitest';
import type { Frame } from '../../../src/grpc/frame.ts';
import type { ResourceType } from '../../../src/translate/resource.ts';
import { typesOf } from '../../../src/translate/scope.ts';
import { decodeDeltaRequest } from '../../../src/xds/codec.ts';
import { Pump } from '../../../src/xds/pump.ts';
import { Encoder } from '../../../src/xds/resource.ts';
import { Session } from '../../../src/xds/session.ts';
import { factsOf } from '../../../src/xds/type-urls.ts';
import { View } from '../../../src/xds/view.ts';
import { fakeResource } from '../../support/xds/fake-world.ts';
import { encodeRequest } from '../../support/xds/independent.ts';

const TYPES = ['cluster', 'listener', 'scopedRoute'] as const satisfies readonly ResourceType[];

/** What a stream writes that is subscribed to everything, of resources of so many bytes. */
function streamOf(bytes: Readonly<Record<(typeof TYPES)[number], number>>): {
  readonly pump: Pump;
  readonly writes: Frame[];
  readonly clock: { now: number };
  readonly leave: () => void;
  readonly move: () => void;
} {
  const encoder = new Encoder();
  const view = new View('test', typesOf({ kind: 'client' }));
  const session = new Session({
    id: 's',
    protocol: 'delta',
    isAggregated: true,
    view,
    now: 0,
    gateMs: 15_000,
    maxBytes: 2_000_000,
  });
  for (const type of TYPES) {
    const request = encodeRequest('DeltaDiscoveryRequest', { node: { id: 'a' }, type_url: factsOf(type).typeUrl });
    session.receiveDelta(decodeDeltaRequest(request), 0);
    view.apply([{ type, name: type, resource: encoder.encode(fakeResource(type, type, 'x'.repeat(bytes[type]))) }]);
  }
  const writes: Frame[] = [];
  let leave = (): void => undefined;
  let move: (() => void) | undefined;
  const clock = { now: 0 };
  const pump = new Pump(session, {
    call: {
      write: (frame, done, moved) => {
        writes.push(frame);
        leave = done;
        move = moved;
      },
    },
    info: { id: 's', nodeId: 'a', role: 'gateway', protocol: 'delta', peer: '', userAgent: '' },
    now: () => clock.now,
    observer: { responseSent: () => undefined },
    onPumped: () => undefined,
  });
  return { pump, writes, clock, leave: () => leave(), move: () => move?.() };
}

/** How many messages are in a frame, by their prefixes. */
function messagesIn({ parts, length }: Frame): number {
  const bytes = Buffer.concat(parts);
  expect(bytes.length).toBe(length);
  let count = 0;
  for (let at = 0; at < bytes.length; at += 5 + bytes.readUInt32BE(at + 1)) count += 1;
  return count;
}

test('small responses of several types leave the process together', () => {
  const { pump, writes, leave } = streamOf({ cluster: 100, listener: 100, scopedRoute: 100 });
  pump.pump();
  expect(writes.map(messagesIn)).toEqual([3]);
  leave();
  expect(writes).toHaveLength(1);
});

test('behind 16 KB no response is made before they have left', () => {
  const { pump, writes, leave } = streamOf({ cluster: 100, listener: 16_384, scopedRoute: 100 });
  pump.pump();
  expect(writes.map(messagesIn)).toEqual([2]);
  pump.pump();
  expect(writes).toHaveLength(1);
  leave();
  expect(writes.map(messagesIn)).toEqual([2, 1]);
});

test('F3: it is known since when nothing was taken of what is on its way out', () => {
  const { pump, clock, leave, move } = streamOf({ cluster: 100, listener: 100, scopedRoute: 100 });
  expect(pump.writingSince).toBeUndefined();
  pump.pump();
  clock.now = 10;
  expect(pump.writingSince).toBe(0);
  move();
  clock.now = 20;
  expect(pump.writingSince).toBe(10);
  leave();
  expect(pump.writingSince).toBeUndefined();
});
