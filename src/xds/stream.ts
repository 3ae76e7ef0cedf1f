/** The shell around a session: one gRPC call. Bytes and timers here, decisions there. */
import type { CallHandler, ServerCall } from '../grpc/call.ts';
import { OK, STATUS, type Status, TOO_MUCH } from '../grpc/status.ts';
import { WaitingMessages } from '../grpc/waiting-messages.ts';
import { proxyOf } from '../model/node.ts';
import type { Proxy } from '../model/proxy.ts';
import type { Applicant } from './admission.ts';
import type { Member } from './audience.ts';
import { type Client, changeOfNode, clientOf, isGrpc } from './client.ts';
import type { Leaver } from './drain.ts';
import { Entrance } from './entrance.ts';
import { deny } from './guard.ts';
import type { Node } from './node.ts';
import type { Claim } from './node-claims.ts';
import type { StreamInfo } from './observer.ts';
import type { Outcome } from './outcome.ts';
import { Pump } from './pump.ts';
import { Session } from './session.ts';
import type { StreamOptions } from './stream-options.ts';
import { decodeRequest, excessOf, type Request } from './stream-request.ts';
import { factsOfUrl } from './type-urls.ts';
import type { View } from './view.ts';

/** `client`: or the connection broke. */
type Ending = { readonly by: 'client' | 'drain' | 'age' } | { readonly by: 'server'; readonly reason: string };

/** How many requests may wait for the first model. */
const MAX_EARLY = 1000;
/** No problem, and no yes either. */
const ASKING = '';

export class XdsStream implements Member, Leaver, Applicant, CallHandler {
  readonly connectedAt: number;
  readonly #call: ServerCall;
  readonly #options: StreamOptions;
  /** undefined until it has said who it is. */
  #client: Client | undefined;
  #session: Session | undefined;
  #pump: Pump | undefined;
  /** What came before there was a model. */
  readonly #early: WaitingMessages;
  #isClosed = false;
  /** In ms; until then it is not read. */
  #admittedAt: number | undefined;
  /** Whether its client has once answered all that there was to say. */
  #isSynced = false;
  #isAged = false;
  /** undefined: nobody asks who it is. */
  readonly #entrance: Entrance | undefined;

  constructor(call: ServerCall, options: StreamOptions) {
    this.#call = call;
    this.#options = options;
    this.#early = new WaitingMessages(call);
    this.connectedAt = options.now();
    this.#entrance = options.pass && new Entrance(call, options.pass);
  }

  admit(): void {
    this.#admittedAt = this.#options.now();
    this.#call.read();
  }

  sendAway(reason: string): void {
    this.#options.observer.streamSentAway(this.#call.peer.address, reason);
    this.#close({ by: 'server', reason }, { code: STATUS.resourceExhausted, details: reason });
  }

  /** S10: the client is done. */
  halfClosed(): void {
    this.#close({ by: 'client' }, OK);
  }

  cancelled(problem: Status | undefined): void {
    if (problem === undefined) this.#close({ by: 'client' });
    // It was told already.
    else this.#refuse(problem);
  }

  /** F6: its client has answered what it was sent, so that its next server knows what it has. */
  aged(): void {
    this.#isAged = true;
    this.#settle();
  }

  get info(): StreamInfo | undefined {
    return this.#client?.info;
  }

  /** Undefined until the client has said who it is. */
  get claim(): Claim | undefined {
    return this.#client?.claim;
  }

  get session(): Session | undefined {
    return this.#session;
  }

  get nodeId(): string {
    return this.#client?.info.nodeId ?? '';
  }

  /** Streams for one type cannot be told apart: those of one node count as one Envoy. */
  get envoy(): string {
    const { id, typeUrl } = this.#options;
    return typeUrl === undefined ? id : `node ${this.nodeId}`;
  }

  get proxy(): Proxy {
    return this.#known.proxy;
  }

  get #known(): Client {
    if (this.#client === undefined) throw new Error('A stream joins its view after it has said who it is.');
    return this.#client;
  }

  start(view: View): Session {
    const { info } = this.#known;
    const { id, protocol, typeUrl, now, observer, limits } = this.#options;
    const { gateMs, maxBytes } = limits;
    const hasLegacyWildcard = !isGrpc(info);
    const session = new Session({
      ...{ id, protocol, isAggregated: typeUrl === undefined, hasLegacyWildcard },
      ...{ view, now: now(), gateMs, maxBytes },
    });
    this.#session = session;
    const onPumped = (): void => this.#pumped();
    this.#pump = new Pump(session, { call: this.#call, info, now, observer, onPumped });
    for (const bytes of this.#early.take()) {
      const request = decodeRequest(bytes, this.#options);
      // It was looked at when it came.
      if (typeof request !== 'string') this.#hand(session, request);
    }
    // It is joining its view, and can leave it only then.
    setImmediate(() => this.#checkNames(session));
    return session;
  }

  wake(): void {
    this.#pump?.pump();
  }

  /** F3: called now and then. */
  check(now: number): void {
    const { blockedMs, silentMs } = this.#options.limits;
    if (this.#client === undefined && this.#admittedAt !== undefined && now - this.#admittedAt > silentMs) {
      this.#refuse({ code: STATUS.deadlineExceeded, details: `The client has said nothing for ${silentMs / 1000} s.` });
    }
    this.#checkPass(now);
    const { writingSince } = this.#pump ?? {};
    if (writingSince === undefined || now - writingSince <= blockedMs) return;
    const reason = `The client has taken nothing for ${Math.round((now - writingSince) / 1000)} s.`;
    this.#close({ by: 'server', reason }, { code: STATUS.unavailable, details: reason });
  }

  get isAnswered(): boolean {
    return (
      this.#pump?.writingSince === undefined && this.#session?.tracks.every(({ inFlight }) => inFlight === undefined) !== false
    );
  }

  leave(): void {
    this.#close({ by: 'drain' }, { code: STATUS.unavailable, details: 'The control plane is stopping.' });
  }

  message(bytes: Buffer): void {
    if (this.#isClosed) return;
    if (this.#entrance?.holds(bytes)) return;
    const request = decodeRequest(bytes, this.#options);
    if (typeof request === 'string') return this.#refuse(invalid(request));
    const excess = excessOf(request, this.#options.limits);
    if (excess !== undefined) return this.#refuse({ code: STATUS.resourceExhausted, details: excess });
    const problem = this.#identify('sotw' in request ? request.sotw.node : request.delta.node, bytes);
    if (problem === ASKING) return;
    if (problem !== undefined) return this.#refuse(invalid(problem));
    this.#claimNode();
    if (this.#session === undefined) {
      if (this.#early.length >= MAX_EARLY) return this.#refuse(invalid('too many requests before the first answer'));
      if (!this.#early.push(bytes)) this.#refuse(TOO_MUCH);
      return;
    }
    this.#hand(this.#session, request);
    this.#checkNames(this.#session);
  }

  async #ask(
    entrance: Entrance,
    { proxy, nodeId }: { readonly proxy: Proxy; readonly nodeId: string },
    bytes: Buffer,
  ): Promise<void> {
    const refusal = await entrance.ask(proxy, bytes, (message) => this.message(message));
    if (refusal === undefined || this.#isClosed) return;
    const { observer, pass } = this.#options;
    this.#close({ by: 'server', reason: refusal.message });
    deny(this.#call, refusal, observer, { peer: this.#call.peer.address, who: pass?.name, nodeId });
  }

  /** @returns what is wrong with who the client says it is. */
  #identify(node: Node | undefined, bytes: Buffer): string | undefined {
    if (this.#client !== undefined) return changeOfNode(this.#client, node);
    if (node === undefined) return 'the first request of a stream must carry node';
    const proxy = proxyOf(node);
    if ('error' in proxy) return proxy.error;
    const { id, protocol, typeUrl, observer, views, pass } = this.#options;
    if (this.#entrance?.isOpen === false) {
      void this.#ask(this.#entrance, { proxy, nodeId: node.id }, bytes);
      return ASKING;
    }
    this.#client = clientOf(node, proxy, {
      ...{ id, protocol, typeUrl, peer: this.#call.peer.address },
      ...(pass === undefined ? {} : { identity: pass.name }),
    });
    observer.streamOpened(this.#client.info);
    views.join(this);
    return undefined;
  }

  #claimNode(): void {
    const { claims, observer } = this.#options;
    const { claim, info } = this.#known;
    const rival = claims.heard(claim);
    if (rival !== undefined) observer.nodeClaimedTwice(info, rival.peer);
  }

  #hand(session: Session, request: Request): void {
    const { now, views } = this.#options;
    const outcome = 'sotw' in request ? session.receiveSotw(request.sotw, now()) : session.receiveDelta(request.delta, now());
    this.#observe('sotw' in request ? request.sotw.typeUrl : request.delta.typeUrl, outcome);
    views.received(this, outcome);
  }

  /** Each request may name few, and all of them many. */
  #checkNames({ tracks }: Session): void {
    const { maxNames } = this.#options.limits;
    const names = tracks.reduce((sum, { subscription }) => sum + subscription.size, 0);
    const details = `the stream is subscribed to ${names} names, and may be to ${maxNames}`;
    if (names > maxNames) this.#refuse({ code: STATUS.resourceExhausted, details });
  }

  #observe(typeUrl: string, outcome: Outcome): void {
    const { observer } = this.#options;
    const { info } = this.#known;
    const type = factsOfUrl(typeUrl)?.type ?? typeUrl;
    observer.request(type, info);
    if (outcome.kind === 'ack') observer.ack(type, info);
    if (outcome.kind === 'nack') {
      const { items, nonce } = outcome.response;
      observer.nack(type, info, { names: [...items.keys()], error: outcome.error, nonce });
    }
  }

  #pumped(): void {
    this.#options.views.progressed(this);
    if (!this.#isSynced || this.#isAged) this.#settle();
  }

  #settle(): void {
    if (!this.isAnswered) return;
    if (this.#isAged)
      return this.#close({ by: 'age' }, { code: STATUS.unavailable, details: 'The connection has reached its age.' });
    this.#isSynced = true;
    this.#options.admission.done(this, this.#options.now());
  }

  /** Its client comes again with what it has now. */
  #checkPass(now: number): void {
    const details = this.#entrance?.expiry(now);
    if (details === undefined) return;
    this.#close({ by: 'age' }, { code: STATUS.unauthenticated, details });
    if (this.#options.pass?.endsConnection) this.#call.giveUpConnection();
  }

  #refuse(problem: Status): void {
    if (this.#client === undefined) this.#options.observer.streamRefused(this.#call.peer.address, problem.details);
    this.#close({ by: 'server', reason: problem.details }, problem);
  }

  /** @param status for the client; undefined: it is gone */
  #close(ending: Ending, status?: Status): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#pump?.close();
    this.#early.drop();
    const { observer, views, claims, admission, now, onClose } = this.#options;
    if (this.#client !== undefined) {
      const { claim, info } = this.#client;
      views.leave(this);
      claims.ended(claim);
      if (ending.by === 'drain') observer.streamDrained(info);
      else observer.streamClosed(info, ending.by === 'server' ? ending.reason : undefined);
    }
    onClose();
    if (status !== undefined) this.#call.end(status);
    admission.done(this, now());
  }
}

function invalid(details: string): Status {
  return { code: STATUS.invalidArgument, details };
}
