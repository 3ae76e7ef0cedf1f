/** The one door to the log: JSON lines on standard error. */
import { type DestinationStream, destination, pino } from 'pino';
import type { LogLevel } from './config.ts';

export type LogFields = Readonly<Record<string, unknown>>;
/** Whoever warns says what follows from it for the one who reads: what is still served, what is not, what happens next. */
export type Consequence = LogFields & { readonly consequence: string };

export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields: Consequence): void;
  error(message: string, fields: Consequence): void;
}

/** @param to where the lines go; standard error unless told, written before the call returns, so that none is lost in a crash. */
export function createLogger(level: LogLevel, to: DestinationStream = destination({ dest: 2, sync: true })): Logger {
  const log = pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime, formatters: { level: (label) => ({ level: label }) } },
    to,
  );
  return {
    debug: (message, fields = {}) => log.debug(fields, message),
    info: (message, fields = {}) => log.info(fields, message),
    warn: (message, fields) => log.warn(fields, message),
    error: (message, fields) => log.error(fields, message),
  };
}
