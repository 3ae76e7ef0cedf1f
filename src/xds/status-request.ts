/** What a client of CSDS asks for. */
import { WireReader } from './wire-reader.ts';

/** A `node_id` to look for. */
export interface NodeMatch {
  readonly kind: 'exact' | 'prefix' | 'suffix' | 'contains';
  readonly value: string;
}

const REQUEST = { nodeMatchers: 1 } as const;
const NODE_MATCHER = { nodeId: 1, nodeMetadatas: 2 } as const;
const IGNORE_CASE = 6;
/** Fields of a StringMatcher; its others are no texts to compare with. */
const KINDS = new Map<number, NodeMatch['kind']>([
  [1, 'exact'],
  [2, 'prefix'],
  [3, 'suffix'],
  [7, 'contains'],
]);

const REFUSAL = 'node_matchers must match node_id by exact, prefix, suffix or contains, with the case that it has';

/**
 * Which clients a ClientStatusRequest asks for; none: all.
 * @throws Error for bytes that are no such message, and for matchers other than of `node_id` by text.
 */
export function decodeStatusRequest(bytes: Buffer): readonly NodeMatch[] {
  const matches: NodeMatch[] = [];
  const fields = new WireReader(bytes);
  for (let field = fields.next(); field !== 0; field = fields.next()) {
    if (field === REQUEST.nodeMatchers) matches.push(readNodeMatcher(fields.bytes()));
  }
  return matches;
}

function readNodeMatcher(bytes: Buffer): NodeMatch {
  let match: NodeMatch | undefined;
  const fields = new WireReader(bytes);
  for (let field = fields.next(); field !== 0; field = fields.next()) {
    if (field === NODE_MATCHER.nodeMetadatas) throw new Error(REFUSAL);
    if (field === NODE_MATCHER.nodeId) match = readStringMatcher(fields.bytes());
  }
  if (match === undefined) throw new Error(REFUSAL);
  return match;
}

function readStringMatcher(bytes: Buffer): NodeMatch {
  let match: NodeMatch | undefined;
  const fields = new WireReader(bytes);
  for (let field = fields.next(); field !== 0; field = fields.next()) {
    const kind = KINDS.get(field);
    if (kind !== undefined) match = { kind, value: fields.text() };
    else if (field !== IGNORE_CASE || fields.flag()) throw new Error(REFUSAL);
  }
  if (match === undefined) throw new Error(REFUSAL);
  return match;
}
