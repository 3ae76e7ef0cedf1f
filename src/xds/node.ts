/** Who asks. */
import { readStruct } from './struct-reader.ts';
import { WireReader } from './wire-reader.ts';

/** The first request of a stream carries it; `metadata` is plain JSON. */
export interface Node {
  readonly id: string;
  readonly cluster: string;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly userAgent: string;
}

const NODE = { id: 1, cluster: 2, metadata: 3, userAgent: 6 } as const;

/** Envoy's own say 100 KB, most of it which extensions it has. */
const MAX_NODE_BYTES = 1024 * 1024;

/** An `envoy.config.core.v3.Node`. @throws Error when the bytes are no such message, or too many. */
export function readNode(bytes: Buffer): Node {
  if (bytes.length > MAX_NODE_BYTES) throw new Error(`node has ${bytes.length} bytes, and may have ${MAX_NODE_BYTES}`);
  let [id, cluster, userAgent] = ['', '', ''];
  let metadata: Node['metadata'] = {};
  const fields = new WireReader(bytes);
  for (let field = fields.next(); field !== 0; field = fields.next()) {
    if (field === NODE.id) id = fields.text();
    else if (field === NODE.cluster) cluster = fields.text();
    else if (field === NODE.metadata) metadata = readStruct(fields.bytes());
    else if (field === NODE.userAgent) userAgent = fields.text();
  }
  return { id, cluster, metadata, userAgent };
}
