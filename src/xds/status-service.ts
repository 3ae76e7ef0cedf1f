/** CSDS: who asks is told what clients have, up to a size: whatever an answer takes, everybody else waits for. */
import type { Method } from '../grpc/call.ts';
import { frameOf } from '../grpc/frame.ts';
import { OK, STATUS, type Status, TOO_MUCH } from '../grpc/status.ts';
import { unary } from '../grpc/unary.ts';
import { WaitingMessages } from '../grpc/waiting-messages.ts';
import { clientStatus, type KnownClient } from './client-status.ts';
import { encodeMessage } from './codec.ts';
import { decodeStatusRequest } from './status-request.ts';

export interface StatusLimits {
  /** Of all clients that one answer tells of. */
  readonly maxStatusResources: number;
}

/** Of a stream, that wait for their answers. */
const MAX_REQUESTS = 100;

export class StatusService {
  readonly #clients: () => Iterable<KnownClient>;
  readonly #limits: StatusLimits;

  constructor(clients: () => Iterable<KnownClient>, limits: StatusLimits) {
    this.#clients = clients;
    this.#limits = limits;
  }

  readonly fetch: Method = unary((request) => this.#answer(request));

  readonly stream: Method = (call) => {
    const requests = new WaitingMessages(call);
    let isDone = false;
    const end = (status: Status): void => {
      requests.drop();
      call.end(status);
    };
    const answerNext = (): void => {
      const request = call.isWriting ? undefined : requests.shift();
      if (request !== undefined) {
        const answer = this.#answer(request);
        if (Buffer.isBuffer(answer)) call.write(frameOf(answer), answerNext);
        else end(answer);
      } else if (isDone && !call.isWriting) end(OK);
    };
    call.read();
    return {
      message: (request) => {
        if (requests.length >= MAX_REQUESTS)
          end({ code: STATUS.resourceExhausted, details: 'too many requests before the last answer was taken' });
        else if (requests.push(request)) answerNext();
        else end(TOO_MUCH);
      },
      halfClosed: () => {
        isDone = true;
        answerNext();
      },
      cancelled: () => requests.drop(),
      aged: () => undefined,
    };
  };

  /** @returns an encoded ClientStatusResponse, or what is wrong with the request. */
  #answer(bytes: Buffer): Buffer | Status {
    const { maxStatusResources } = this.#limits;
    try {
      const status = clientStatus(this.#clients(), decodeStatusRequest(bytes), maxStatusResources);
      if (status !== undefined) return encodeMessage('envoy.service.status.v3.ClientStatusResponse', status);
    } catch (error) {
      return { code: STATUS.invalidArgument, details: error instanceof Error ? error.message : String(error) };
    }
    const most = maxStatusResources.toLocaleString('en');
    const details = `An answer tells of ${most} resources at most, and this one would tell of more: name a node in node_matchers.`;
    return { code: STATUS.resourceExhausted, details };
  }
}
