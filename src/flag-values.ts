/** How the values that several flags take are read. */
import { isIP } from 'node:net';
import type { Flag, Reading } from './flags.ts';
import type { SocketAddress } from './model/proxy.ts';
import { parseSocketAddress } from './model/socket-address.ts';

type Description<T> = Omit<Flag<T>, 'repeatable' | 'separable' | 'read'>;

/** One value, always there: `description.default` is not empty. */
export function one<T>(description: Description<T>, read: (text: string) => Reading<T>): Flag<T> {
  return { ...description, repeatable: false, separable: false, read: ([text = '']) => read(text) };
}

/** One value that has to be written. @param example how a right one looks. */
export function required<T>(
  description: Omit<Description<T>, 'default'>,
  example: string,
  read: (text: string) => Reading<T>,
): Flag<T> {
  const missing = { mistake: `is missing: give one, for example ${example}` };
  return {
    ...description,
    default: [],
    repeatable: false,
    separable: false,
    read: ([text]) => (text === undefined ? missing : read(text)),
  };
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
    separable: false,
    read: ([text]) => (text === undefined ? { value: undefined } : read(text)),
  };
}

/** Any number of values. */
export function many<T>(description: Omit<Description<T>, 'default'>, read: (text: string) => Reading<T>): Flag<readonly T[]> {
  return {
    ...description,
    default: [],
    repeatable: true,
    separable: true,
    read: (texts) => {
      const values: T[] = [];
      const mistakes: string[] = [];
      for (const text of texts) {
        const reading = read(text);
        if ('value' in reading) values.push(reading.value);
        else mistakes.push(texts.length > 1 ? `… ${JSON.stringify(text)} ${reading.mistake}` : reading.mistake);
      }
      if (mistakes.length > 0) return { mistake: mistakes.join('; ') };
      return { value: values };
    },
  };
}

/** There or not: `--strict`. It takes no value. */
export function toggle(summary: string): Flag<boolean> {
  return { value: '', default: [], repeatable: true, separable: false, summary, read: ([text]) => readToggle(text) };
}

/** As a variable it has a value. */
function readToggle(text: string | undefined): Reading<boolean> {
  if (text === undefined || text === 'false' || text === '0') return { value: false };
  return text === 'true' || text === '1' ? { value: true } : { mistake: 'must be true or false' };
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

/** `127.0.0.1:80`, `[::1]:80`, `localhost:80`. */
export interface AddressForm {
  /** Port 0: the system chooses. */
  readonly anyPort: boolean;
  /** Names too, not only IPs. */
  readonly names: boolean;
}

export function readAddress({ anyPort, names }: AddressForm): (text: string) => Reading<SocketAddress> {
  return (text) => {
    const address = parseSocketAddress(text);
    const bracketed = text.startsWith('[');
    const valid =
      address !== undefined &&
      (!bracketed || isIP(address.host) === 6) &&
      (anyPort || address.port > 0) &&
      (names || isIP(address.host) > 0);
    if (valid) return { value: address };
    return {
      mistake: `must be ${names ? 'HOST:PORT, for example 127.0.0.1:18000 or [::1]:18000' : 'IP:PORT, for example 0.0.0.0:8080'}`,
    };
  };
}
