/** Methods that answer one message with one. */
import type { Method } from './call.ts';
import { frameOf } from './frame.ts';
import { OK, STATUS, type Status } from './status.ts';

export function unary(answer: (request: Buffer) => Buffer | Status): Method {
  return (call) => {
    let request: Buffer | undefined;
    call.read();
    return {
      message: (bytes) => {
        if (request === undefined) request = Buffer.from(bytes);
        else call.end({ code: STATUS.internal, details: 'this method takes one message' });
      },
      halfClosed: () => {
        if (request === undefined) return call.end({ code: STATUS.internal, details: 'this method takes a message' });
        const answered = answer(request);
        if (!Buffer.isBuffer(answered)) return call.end(answered);
        call.write(frameOf(answered), () => undefined);
        call.end(OK);
      },
      cancelled: () => undefined,
      aged: () => undefined,
    };
  };
}
