import type { GivenUp } from '../../../src/grpc/observer.ts';
import type { NackInfo, StreamInfo, TypeName, XdsObserver } from '../../../src/xds/xds.ts';

/** Keeps what it was told. */
export class SilentObserver implements XdsObserver {
  readonly opened: StreamInfo[] = [];
  readonly closed: { readonly stream: StreamInfo; readonly reason: string | undefined }[] = [];
  readonly refused: string[] = [];
  readonly duplicates: string[] = [];
  readonly denied: string[] = [];
  readonly nacks: { readonly type: TypeName; readonly stream: StreamInfo; readonly nack: NackInfo }[] = [];
  readonly sent: { readonly type: TypeName; readonly bytes: number; readonly resources: number }[] = [];
  readonly convergence: number[] = [];
  readonly sentAway: string[] = [];
  readonly givenUp: GivenUp[] = [];
  connections = 0;
  acks = 0;
  requests = 0;

  streamOpened(stream: StreamInfo): void {
    this.opened.push(stream);
  }

  streamClosed(stream: StreamInfo, reason: string | undefined): void {
    this.closed.push({ stream, reason });
  }

  streamDrained(stream: StreamInfo): void {
    this.closed.push({ stream, reason: 'drained' });
  }

  streamRefused(_peer: string, reason: string): void {
    this.refused.push(reason);
  }

  streamDenied(_denied: object, { reason }: { readonly reason: string }): void {
    this.denied.push(reason);
  }

  nodeClaimedTwice({ nodeId }: StreamInfo): void {
    this.duplicates.push(nodeId);
  }

  streamSentAway(_peer: string, reason: string): void {
    this.sentAway.push(reason);
  }

  connectionOpened(): void {
    this.connections += 1;
  }

  connectionClosed(): void {
    this.connections -= 1;
  }

  connectionGivenUp(_peer: string, why: GivenUp): void {
    this.givenUp.push(why);
  }

  request(): void {
    this.requests += 1;
  }

  ack(): void {
    this.acks += 1;
  }

  nack(type: TypeName, stream: StreamInfo, nack: NackInfo): void {
    this.nacks.push({ type, stream, nack });
  }

  responseSent(type: TypeName, bytes: number, resources: number): void {
    this.sent.push({ type, bytes, resources });
  }

  converged(ms: number): void {
    this.convergence.push(ms);
  }
}
