import { describe, expect, it } from 'vitest';
import type { ResourceType } from '../../../src/translate/resource.ts';
import { typesOf } from '../../../src/translate/scope.ts';
import { decodeDeltaRequest } from '../../../src/xds/codec.ts';
import { encode } from '../../../src/xds/resource.ts';
import { Session } from '../../../src/xds/session.ts';
import { factsOf } from '../../../src/xds/type-urls.ts';
import { type EncodedChange, View } from '../../../src/xds/view.ts';
import { deltaResponse } from '../../../src/xds/wire.ts';
import { fakeResource } from '../../support/xds/fake-world.ts';
import { encodeRequest } from '../../support/xds/independent.ts';

const TYPES = typesOf({ kind: 'client' });
const put = (type: ResourceType, name: string, content: string, clusters: readonly string[] = []): EncodedChange => ({
  type,
  name,
  resource: encode(fakeResource(type, name, content, { clusters })),
});
const many = Array.from({ length: 40 }, (_, index) => `n${index}`);

let opened = 0;
function open(view: View, maxBytes = 2_000_000): Session {
  opened += 1;
  return new Session({ protocol: 'delta', isAggregated: true, view, id: `s${opened}`, now: 0, gateMs: 1_000, maxBytes });
}

function ask(session: Session, type: ResourceType, subscribe: readonly string[] = [], nonce = ''): void {
  const { typeUrl: type_url } = factsOf(type);
  const bytes = encodeRequest('DeltaDiscoveryRequest', {
    type_url,
    resource_names_subscribe: subscribe,
    response_nonce: nonce,
  });
  session.receiveDelta(decodeDeltaRequest(bytes), 0);
}

describe('what many streams are told', () => {
  it('is put together once, for those that take everything and for those that name everything', () => {
    const view = new View('test', TYPES);
    view.apply(many.flatMap((name) => [put('cluster', name, '1'), put('endpoints', name, '1')]));
    const [one, other] = [open(view), open(view)];
    for (const session of [one, other]) ask(session, 'cluster');
    const first = [one.next(0), other.next(0)];
    expect(first[0]?.common).toBeDefined();
    expect(first[0]?.common).toBe(first[1]?.common);
    for (const session of [one, other]) ask(session, 'endpoints', session === one ? many : many.toReversed());
    const second = [one.next(0), other.next(0)];
    expect(second[0]?.common).toBeDefined();
    expect(second[0]?.common).toBe(second[1]?.common);
  });

  it('is put together once, too, for those that name the same part of it', () => {
    const view = new View('test', TYPES);
    view.apply(many.map((name) => put('endpoints', name, '1')));
    const part = many.slice(10, 30);
    const told = [open(view), open(view), open(view)].map((session, index) => {
      ask(session, 'endpoints', index === 2 ? part.slice(1) : part);
      return session.next(0)?.common;
    });
    expect(told[0]).toBeDefined();
    expect(told[1]).toBe(told[0]);
    expect(told[2]).not.toBe(told[0]);
  });

  it('is put together once for a change of a single resource, and each is told of what it asked for alone', () => {
    const view = new View('test', TYPES);
    view.apply(['a', 'b', 'c'].map((name) => put('endpoints', name, '1')));
    const sessions = [['a', 'b'], ['a', 'b', 'c'], ['c']].map((names) => {
      const session = open(view);
      ask(session, 'endpoints', names);
      ask(session, 'endpoints', [], session.next(0)?.nonce);
      return session;
    });
    view.apply([put('endpoints', 'a', '2')]);
    const [one, other, third] = sessions.map((session) => session.next(0));
    expect(one?.common).toBeDefined();
    expect(other?.common).toBe(one?.common);
    expect(third).toBeUndefined();
  });

  it('is the same bytes as what each would be told alone', () => {
    const [shared, alone] = [new View('test', TYPES), new View('test', TYPES, Infinity)].map((view) => {
      view.apply(many.map((name) => put('cluster', name, '1')));
      const session = open(view);
      ask(session, 'cluster');
      const response = session.next(0);
      return response === undefined ? undefined : deltaResponse({ ...response, nonce: 'n' });
    });
    expect(shared).toBeDefined();
    expect(shared).toEqual(alone);
  });

  it('follows the log: what changed since is in what the next stream is told', () => {
    const view = new View('test', TYPES);
    view.apply(many.map((name) => put('cluster', name, '1')));
    const early = open(view);
    ask(early, 'cluster');
    expect(early.next(0)?.resources).toHaveLength(many.length);
    view.apply([put('cluster', 'late', '1')]);
    const late = open(view);
    ask(late, 'cluster');
    expect(late.next(0)?.resources).toHaveLength(many.length + 1);
  });

  it('goes on in parts, each shared', () => {
    const view = new View('test', TYPES);
    view.apply(many.map((name) => put('cluster', name, '1')));
    const told = [open(view, 400), open(view, 400)].map((session) => {
      ask(session, 'cluster');
      const parts: (readonly Buffer[] | undefined)[] = [];
      for (let reply = session.next(0); reply !== undefined; reply = session.next(0)) {
        parts.push(reply.common);
        ask(session, 'cluster', [], reply.nonce);
      }
      return parts;
    });
    expect(told[0]?.length).toBeGreaterThan(3);
    expect(told[0]?.filter((common) => common === undefined).length).toBeLessThanOrEqual(3);
    expect(told[0]?.[1]).toBe(told[1]?.[1]);
  });

  it('is not told past a gate: routes wait for the clusters of their own stream', () => {
    const view = new View('test', TYPES);
    view.apply([put('cluster', 'c', '1'), ...many.map((name) => put('route', name, '1', ['c']))]);
    const session = open(view);
    ask(session, 'cluster');
    ask(session, 'route', many);
    const clusters = session.next(0);
    expect(clusters?.type).toBe('cluster');
    expect(session.next(0)).toBeUndefined();
    // Nothing has moved: nor is there anything to look through.
    expect(session.next(0)).toBeUndefined();
    ask(session, 'cluster', [], clusters?.nonce);
    expect(session.next(0)?.resources).toHaveLength(many.length);
  });
});
