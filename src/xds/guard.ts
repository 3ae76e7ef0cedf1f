/** Asks the gate before a call is read: nothing of it is looked at before it is known whose it is. */
import type { CallHandler, Method, ServerCall } from '../grpc/call.ts';
import { STATUS, type Status } from '../grpc/status.ts';
import { type Caller, type Denied, type Gate, isRefusal, type Pass, type Refusal } from './gate.ts';
import type { XdsObserver } from './observer.ts';

export interface GuardOptions {
  /** undefined: everybody is let in. */
  readonly gate: Gate | undefined;
  readonly observer: Pick<XdsObserver, 'streamDenied'>;
}

type Guarded = (call: ServerCall, pass: Pass | undefined) => CallHandler;

const NOT_FOR_ALL: Refusal = {
  code: 'denied',
  reason: 'status',
  message: 'only gateways may ask what other Envoys have: see --gateways of the control plane.',
  endsConnection: false,
};

/** @param isForAll false: only who sees everything may call the method. */
export function guard({ gate, observer }: GuardOptions, isForAll: boolean, method: Guarded): Method {
  if (gate === undefined) return (call) => method(call, undefined);
  return (call) => {
    let handler: CallHandler | undefined;
    let isOver = false;
    void gate.authenticate(callerOf(call)).then((answer) => {
      if (isOver) return;
      const refusal = isRefusal(answer) ? answer : isForAll || answer.seesAll ? undefined : NOT_FOR_ALL;
      if (isRefusal(answer) || refusal !== undefined) {
        const who = isRefusal(answer) ? undefined : answer.name;
        deny(call, refusal ?? NOT_FOR_ALL, observer, { peer: call.peer.address, who, nodeId: undefined });
      } else handler = method(call, answer);
    });
    return {
      message: (bytes) => handler?.message(bytes),
      halfClosed: () => handler?.halfClosed(),
      cancelled: (problem) => {
        isOver = true;
        handler?.cancelled(problem);
      },
      aged: () => handler?.aged(),
    };
  };
}

export function deny(call: ServerCall, refusal: Refusal, observer: Pick<XdsObserver, 'streamDenied'>, denied: Denied): void {
  observer.streamDenied(denied, refusal);
  call.end(statusOf(refusal));
  if (refusal.endsConnection) call.giveUpConnection();
}

export function statusOf({ code, message }: Refusal): Status {
  const codes = { unauthenticated: STATUS.unauthenticated, denied: STATUS.permissionDenied, unavailable: STATUS.unavailable };
  return { code: codes[code], details: message };
}

function callerOf({ peer, authorization }: ServerCall): Caller {
  const { address, tls } = peer;
  if (tls === undefined) return { peer: address, tls: undefined, authorization };
  const { raw } = tls.getPeerCertificate();
  // Node's types know an Error here; of a server it is the code, as text.
  const error = tls.authorized ? undefined : String(tls.authorizationError ?? 'not authorized');
  return { peer: address, tls: { certificate: raw, error }, authorization };
}
