/** Single objects of the API server, read and written as JSON. Failures are values. */
import { isFields } from '../model/field-reader.ts';
import { type ApiAnswer, type ApiCall, isFailure, readBody, reasonOf } from './api-client.ts';
import { type Failure, malformed, unreachable } from './failure.ts';

/** Whatever the server says an object is; nothing of it may be taken for granted. */
export type ApiObject = Readonly<Record<string, unknown>>;

export interface ApiSender {
  send(call: ApiCall): Promise<ApiAnswer | Failure>;
}

/** Larger answers are not read: no object that Detour reads singly comes near. */
const MAX_BYTES = 64 * 1024 * 1024;

/** @returns the answer's object: what was asked for, or what the server made of what it was given. */
export async function callForObject(sender: ApiSender, call: ApiCall): Promise<ApiObject | Failure> {
  const answer = await sender.send(call);
  if (isFailure(answer)) return answer;
  try {
    const body = await readBody(answer.body, MAX_BYTES);
    if (body === undefined) return malformed(`${call.path} is larger than ${MAX_BYTES / 1024 / 1024} MiB`);
    return parseObject(body.toString('utf8'), call.path);
  } catch (error) {
    return unreachable(`the answer to ${call.method} ${call.path} broke off: ${reasonOf(error)}`);
  }
}

function parseObject(text: string, path: string): ApiObject | Failure {
  try {
    const value: unknown = JSON.parse(text);
    if (isFields(value)) return value;
  } catch {
    // Said below.
  }
  return malformed(`${path} is no JSON object`);
}
