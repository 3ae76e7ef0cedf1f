/** How the values that several flags take are read. */
import { isIP } from 'node:net';
import type { Flag, Reading } from './flags.ts';
import type { SocketAddress } from './model/proxy.ts';

type Description<T> = Omit<Flag<T>, 'repeatable' | 'read'>;

/** One value, always there: `description.default` is not empty. */
export function one<T>(description: Description<T>, read: (text: string) => Reading<T>): Flag<T> {
  return { ...description, repeatable: false, read: ([text = '']) => read(text) };
}

/** One value that has to be written. @param example how a right one looks. */
export function required<T>(
  description: Omit<Description<T>, 'default'>,
  example: string,
  read: (text: string) => Reading<T>,
): Flag<T> {
  const missing = { mistake: `is missing: give one, for example ${example}` };
  return { ...description, default: [], repeatable: false, read: ([text]) => (text === undefined ? missing : read(text)) };
}

/** One value or undefined. */
export function optional<T>(
  description: Omit<Description<T>, 'default'>,
  read: (text: string) => Reading<T>,
): Flag<T | undefined> {
  return {
    ...description,
    default: [],
    repeatable: false,
    read: ([text]) => (text === undefined ? { value: undefined } : read(text)),
  };
}

/** Any number of values. The first mistake is told. */
export function many<T>(description: Omit<Description<T>, 'default'>, read: (text: string) => Reading<T>): Flag<readonly T[]> {
  return {
    ...description,
    default: [],
    repeatable: true,
    read: (texts) => {
      const values: T[] = [];
      for (const text of texts) {
        const reading = read(text);
        if ('mistake' in reading) return texts.length > 1 ? { mistake: `… ${JSON.stringify(text)} ${reading.mistake}` } : reading;
        values.push(reading.value);
      }
      return { value: values };
    },
  };
}

/** A flag without a value. */
export function toggle(summary: string): Flag<boolean> {
  return { value: '', default: [], repeatable: false, summary, read: (texts) => ({ value: texts.length > 0 }) };
}

export function readText(text: string): Reading<string> {
  return text === '' ? { mistake: 'must not be empty' } : { value: text };
}

export function readChoice<T extends string>(choices: readonly T[]): (text: string) => Reading<T> {
  return (text) => {
    const found = choices.find((choice) => choice === text);
    return found === undefined ? { mistake: `must be one of ${choices.join(', ')}` } : { value: found };
  };
}

/** `127.0.0.1:80`, `[::1]:80`, `localhost:80`. @param lowest 0 where the system may choose a port, else 1. */
export function readAddress(lowest: 0 | 1): (text: string) => Reading<SocketAddress> {
  return (text) => {
    const groups = /^(?:\[(?<six>[^\]]+)\]|(?<host>[^:[\]]+)):(?<port>\d{1,5})$/.exec(text)?.groups;
    const host = groups?.['six'] ?? groups?.['host'] ?? '';
    const port = Number(groups?.['port'] ?? -1);
    const valid = groups?.['six'] === undefined ? /^[A-Za-z0-9.-]+$/.test(host) : isIP(host) === 6;
    if (!valid || port < lowest || port > 65535)
      return { mistake: 'must be HOST:PORT, for example 127.0.0.1:18000 or [::1]:18000' };
    return { value: { host, port } };
  };
}

export function formatAddress({ host, port }: SocketAddress): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
