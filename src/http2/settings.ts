/** What the two sides tell each other of what they can take (RFC 9113, section 6.5). */
import { ERROR, type ErrorCode } from './error-code.ts';
import { frameOf, MAX_FRAME, MAX_WINDOW, TYPE } from './frame.ts';
import { TABLE_SIZE } from './header-table.ts';

const ID = { headerTable: 1, enablePush: 2, maxStreams: 3, initialWindow: 4, maxFrame: 5, maxHeaderList: 6 } as const;
const ENTRY = 6;
const MOST_FRAME = 2 ** 24 - 1;

/** What of a client's settings matters to a server that does not push and remembers no header. */
export interface ClientSettings {
  readonly initialWindow: number | undefined;
  readonly maxFrame: number | undefined;
  /** It remembers fewer headers than it would if nothing had been agreed, or has done so in between. */
  readonly hasSmallTable: boolean;
}

export function readSettings(payload: Buffer): ClientSettings | ErrorCode {
  if (payload.length % ENTRY !== 0) return ERROR.frameSize;
  let initialWindow: number | undefined;
  let maxFrame: number | undefined;
  let hasSmallTable = false;
  for (let at = 0; at < payload.length; at += ENTRY) {
    const id = payload.readUInt16BE(at);
    const value = payload.readUInt32BE(at + 2);
    if (id === ID.headerTable && value < TABLE_SIZE) hasSmallTable = true;
    if (id === ID.enablePush && value > 1) return ERROR.protocol;
    if (id === ID.initialWindow) {
      if (value > MAX_WINDOW) return ERROR.flowControl;
      initialWindow = value;
    }
    if (id === ID.maxFrame) {
      if (value < MAX_FRAME || value > MOST_FRAME) return ERROR.protocol;
      maxFrame = value;
    }
  }
  return { initialWindow, maxFrame, hasSmallTable };
}

export interface ServerSettings {
  readonly maxStreams: number;
  readonly initialWindow: number;
  readonly maxHeaderList: number;
}

export function settingsFrame({ maxStreams, initialWindow, maxHeaderList }: ServerSettings): Buffer {
  const entries = [
    [ID.maxStreams, maxStreams],
    [ID.initialWindow, initialWindow],
    [ID.maxHeaderList, maxHeaderList],
  ] as const;
  const payload = Buffer.alloc(entries.length * ENTRY);
  for (const [index, [id, value]] of entries.entries()) {
    payload.writeUInt16BE(id, index * ENTRY);
    payload.writeUInt32BE(value, index * ENTRY + 2);
  }
  return frameOf(TYPE.settings, 0, 0, payload);
}
