/** A gRPC echo with all four kinds of calls, server and client; messages are JSON, so that no schema is needed. */
import {
  Client,
  type ClientDuplexStream,
  type ClientReadableStream,
  credentials,
  type handleBidiStreamingCall,
  type handleClientStreamingCall,
  type handleServerStreamingCall,
  type handleUnaryCall,
  Metadata,
  type MethodDefinition,
  Server,
  ServerCredentials,
  type ServiceError,
} from '@grpc/grpc-js';

export interface Message {
  readonly text: string;
  /** In replies: the copy that answered. */
  readonly copy?: string;
  /** In requests for a server stream: how many replies, and how far apart. */
  readonly count?: number;
  readonly everyMs?: number;
  /** In the reply to a client stream: how many messages came. */
  readonly received?: number;
}

function method(name: string, requestStream: boolean, responseStream: boolean): MethodDefinition<Message, Message> {
  const serialize = (value: Message): Buffer => Buffer.from(JSON.stringify(value));
  const deserialize = (bytes: Buffer): Message => JSON.parse(bytes.toString('utf8')) as Message;
  return {
    path: `/test.Echo/${name}`,
    requestStream,
    responseStream,
    requestSerialize: serialize,
    requestDeserialize: deserialize,
    responseSerialize: serialize,
    responseDeserialize: deserialize,
  };
}

const ECHO = {
  unary: method('Unary', false, false),
  collect: method('Collect', true, false),
  repeat: method('Repeat', false, true),
  chat: method('Chat', true, true),
};

export class GrpcApp implements AsyncDisposable {
  readonly port: number;
  readonly copy: string;
  readonly #server: Server;

  constructor(server: Server, port: number, copy: string) {
    this.#server = server;
    this.port = port;
    this.copy = copy;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.forceShutdown();
  }
}

/** @param at where it listens. */
export async function startGrpcApp(copy: string, at = '127.0.0.1:0'): Promise<GrpcApp> {
  const unary: handleUnaryCall<Message, Message> = (call, reply) => reply(null, { text: call.request.text, copy });
  const collect: handleClientStreamingCall<Message, Message> = (call, reply) => {
    const texts: string[] = [];
    call.on('data', (message: Message) => texts.push(message.text));
    call.on('end', () => reply(null, { text: texts.at(-1) ?? '', received: texts.length, copy }));
  };
  const repeat: handleServerStreamingCall<Message, Message> = (call) => {
    const { text, count = 1, everyMs = 0 } = call.request;
    let sent = 0;
    const next = (): void => {
      if (call.cancelled) return;
      call.write({ text: `${text} ${sent}`, copy });
      if (++sent === count) call.end();
      else setTimeout(next, everyMs);
    };
    next();
  };
  const chat: handleBidiStreamingCall<Message, Message> = (call) => {
    call.on('data', (message: Message) => call.write({ text: message.text, copy }));
    call.on('end', () => call.end());
    call.on('error', () => undefined);
  };
  const server = new Server({ 'grpc.max_receive_message_length': -1 });
  server.addService(ECHO, { unary, collect, repeat, chat });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(at, ServerCredentials.createInsecure(), (error, bound) => (error ? reject(error) : resolve(bound)));
  });
  return new GrpcApp(server, port, copy);
}

export type Headers = Readonly<Record<string, string | readonly string[]>>;

/** Calls {@link GrpcApp}s through a proxy, or a target of any other kind. */
export class GrpcClient implements Disposable {
  readonly #client: Client;

  constructor(target: number | string, authority?: string) {
    this.#client = new Client(typeof target === 'number' ? `127.0.0.1:${target}` : target, credentials.createInsecure(), {
      ...(authority !== undefined && { 'grpc.default_authority': authority }),
      'grpc.max_receive_message_length': -1,
    });
  }

  unary(message: Message, headers: Headers = {}): Promise<Message> {
    const { path, requestSerialize, responseDeserialize } = ECHO.unary;
    return new Promise((resolve, reject) => {
      const metadata = metadataOf(headers);
      this.#client.makeUnaryRequest(path, requestSerialize, responseDeserialize, message, metadata, done(resolve, reject));
    });
  }

  collect(messages: readonly Message[], headers: Headers = {}): Promise<Message> {
    const { path, requestSerialize, responseDeserialize } = ECHO.collect;
    return new Promise((resolve, reject) => {
      const metadata = metadataOf(headers);
      const call = this.#client.makeClientStreamRequest(
        path,
        requestSerialize,
        responseDeserialize,
        metadata,
        done(resolve, reject),
      );
      for (const message of messages) call.write(message);
      call.end();
    });
  }

  repeat(message: Message, headers: Headers = {}): ClientReadableStream<Message> {
    const { path, requestSerialize, responseDeserialize } = ECHO.repeat;
    return this.#client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, message, metadataOf(headers));
  }

  chat(headers: Headers = {}): ClientDuplexStream<Message, Message> {
    const { path, requestSerialize, responseDeserialize } = ECHO.chat;
    return this.#client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, metadataOf(headers));
  }

  [Symbol.dispose](): void {
    this.#client.close();
  }
}

function metadataOf(headers: Headers): Metadata {
  const metadata = new Metadata();
  for (const [name, values] of Object.entries(headers)) for (const value of [values].flat()) metadata.add(name, value);
  return metadata;
}

function done(resolve: (message: Message) => void, reject: (error: ServiceError) => void) {
  return (error: ServiceError | null, message?: Message): void => {
    if (error !== null) reject(error);
    else if (message !== undefined) resolve(message);
  };
}
