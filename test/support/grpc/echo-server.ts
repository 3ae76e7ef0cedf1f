/** A server whose calls answer every message with itself. */
import type { CallHandler, Method, ServerCall } from '../../../src/grpc/call.ts';
import { frameOf } from '../../../src/grpc/frame.ts';
import type { GrpcLimits } from '../../../src/grpc/limits.ts';
import type { GivenUp } from '../../../src/grpc/observer.ts';
import { GrpcServer, type GrpcServerOptions } from '../../../src/grpc/server.ts';
import { OK, STATUS, type Status } from '../../../src/grpc/status.ts';
import { unary } from '../../../src/grpc/unary.ts';

export const TALK = '/test.Echo/Talk';
export const ONCE = '/test.Echo/Once';
/** Takes calls and reads nothing of them. */
export const IGNORE = '/test.Echo/Ignore';

export class EchoServer implements AsyncDisposable {
  readonly server: GrpcServer;
  readonly calls: EchoCall[] = [];
  readonly givenUp: GivenUp[] = [];
  connections = 0;
  port = 0;

  /** @param createServer with TLS */
  constructor(limits: Partial<GrpcLimits> = {}, createServer?: GrpcServerOptions['createServer']) {
    const talk: Method = (call) => {
      const echo = new EchoCall(call);
      this.calls.push(echo);
      call.read();
      return echo;
    };
    const ignore: Method = (call) => {
      const echo = new EchoCall(call);
      this.calls.push(echo);
      return echo;
    };
    const once = unary((request) =>
      request.length > 0 ? request : { code: STATUS.invalidArgument, details: 'Nichts gesagt: 100 % zu wenig\n' },
    );
    this.server = new GrpcServer({
      methods: new Map([
        [TALK, talk],
        [ONCE, once],
        [IGNORE, ignore],
      ]),
      limits,
      ...(createServer === undefined ? {} : { createServer }),
      observer: {
        connectionOpened: () => {
          this.connections += 1;
        },
        connectionClosed: () => {
          this.connections -= 1;
        },
        connectionGivenUp: (_peer, why) => this.givenUp.push(why),
      },
    });
  }

  static async start(limits: Partial<GrpcLimits> = {}, createServer?: GrpcServerOptions['createServer']): Promise<EchoServer> {
    const server = new EchoServer(limits, createServer);
    server.port = (await server.server.listen({ host: '127.0.0.1', port: 0 })).port;
    return server;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = this.server.close();
    this.server.destroy();
    await closed;
  }
}

export class EchoCall implements CallHandler {
  readonly call: ServerCall;
  readonly received: string[] = [];
  /** Frames that have left. */
  done = 0;
  /** What happened besides. */
  readonly happened: string[] = [];
  problem: Status | undefined;
  readonly #waiting: Buffer[] = [];

  constructor(call: ServerCall) {
    this.call = call;
  }

  message(bytes: Buffer): void {
    this.received.push(bytes.toString());
    this.answer(Buffer.from(bytes));
  }

  answer(bytes: Buffer): void {
    if (this.call.isWriting) {
      this.#waiting.push(bytes);
      return;
    }
    this.call.write(frameOf(bytes), () => {
      this.done += 1;
      const next = this.#waiting.shift();
      if (next !== undefined) this.answer(next);
    });
  }

  halfClosed(): void {
    this.happened.push('half-closed');
    this.call.end(OK);
  }

  cancelled(problem: Status | undefined): void {
    this.happened.push('cancelled');
    this.problem = problem;
  }

  aged(): void {
    this.happened.push('aged');
  }
}
