/**
 * A server's certificate, its key and the authorities of its clients, from files that are read again when they change. A
 * kubelet swaps a whole folder by one symbolic link, others write file by file: whatever is not a pair is left alone, and
 * the pair before it stays.
 */
import { createHash, createPrivateKey, X509Certificate } from 'node:crypto';
import { type FSWatcher, watch } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { createSecureContext } from 'node:tls';
import type { Logger } from '../logger.ts';

export interface TlsFileNames {
  readonly cert: string;
  readonly key: string;
  /** undefined: clients are asked for no certificate. */
  readonly clientCa: string | undefined;
  /** What the flags that name them begin with: `tls` for `--tls-cert`. */
  readonly flags: string;
}

/** PEM, and good: the key is the certificate's. */
export interface TlsMaterial {
  readonly cert: string;
  readonly key: string;
  readonly clientCa: string | undefined;
  /** Of the certificate, ms since the epoch. */
  readonly expiresAt: number;
}

export interface TlsFilesOptions {
  readonly files: TlsFileNames;
  readonly log: Logger;
  /** Called with what is new, not with what there is at first. */
  readonly onChange: (material: TlsMaterial) => void;
  /** Where nobody says that a file has changed it is looked at so often, ms. */
  readonly pollMs?: number;
}

/** A certificate cannot be used. The message names the file and the fix. */
export class TlsFilesError extends Error {}

const POLL_MS = 10_000;
/** Files that are written one after the other are read once. */
const SETTLE_MS = 50;

export class TlsFiles implements Disposable {
  readonly #options: TlsFilesOptions;
  readonly #watchers: FSWatcher[] = [];
  #material: TlsMaterial;
  #digest: string;
  #trouble: string | undefined;
  #settle: NodeJS.Timeout | undefined;
  #poll: NodeJS.Timeout | undefined;
  #isReading = false;
  #isStopped = false;

  private constructor(options: TlsFilesOptions, material: TlsMaterial) {
    this.#options = options;
    this.#material = material;
    this.#digest = digestOf(material);
  }

  /** @throws TlsFilesError */
  static async open(options: TlsFilesOptions): Promise<TlsFiles> {
    const files = new TlsFiles(options, await readMaterial(options.files));
    files.#watch();
    return files;
  }

  get material(): TlsMaterial {
    return this.#material;
  }

  /** Why what is in the files now is not used. */
  get trouble(): string | undefined {
    return this.#trouble;
  }

  [Symbol.dispose](): void {
    this.#isStopped = true;
    clearTimeout(this.#settle);
    clearInterval(this.#poll);
    for (const watcher of this.#watchers) watcher.close();
  }

  #watch(): void {
    const { cert, key, clientCa = cert } = this.#options.files;
    const look = () => {
      clearTimeout(this.#settle);
      this.#settle = setTimeout(() => void this.#reload(), SETTLE_MS);
    };
    for (const folder of new Set([cert, key, clientCa].map(dirname))) {
      try {
        // Without it, or when it breaks, there is still the poll.
        this.#watchers.push(watch(folder, { persistent: false }, look).on('error', () => undefined));
      } catch {}
    }
    this.#poll = setInterval(() => void this.#reload(), this.#options.pollMs ?? POLL_MS).unref();
  }

  async #reload(): Promise<void> {
    if (this.#isReading || this.#isStopped) return;
    this.#isReading = true;
    try {
      const material = await readMaterial(this.#options.files);
      this.#noteTrouble(undefined);
      const digest = digestOf(material);
      if (digest === this.#digest || this.#isStopped) return;
      this.#digest = digest;
      this.#material = material;
      this.#options.log.info('the certificate was read again', { expires: new Date(material.expiresAt).toISOString() });
      this.#options.onChange(material);
    } catch (error) {
      if (!(error instanceof TlsFilesError)) throw error;
      this.#noteTrouble(error.message);
    } finally {
      this.#isReading = false;
    }
  }

  #noteTrouble(trouble: string | undefined): void {
    if (trouble === this.#trouble) return;
    this.#trouble = trouble;
    if (trouble === undefined) return;
    const expires = new Date(this.#material.expiresAt).toISOString();
    const consequence = `The certificate before it is used on; it expires at ${expires}. The files are looked at again all the time.`;
    this.#options.log.warn(trouble, { consequence });
  }
}

async function readMaterial({ cert, key, clientCa, flags }: TlsFileNames): Promise<TlsMaterial> {
  const [certFile, keyFile, caFile] = [`--${flags}-cert ${cert}`, `--${flags}-key ${key}`, `--${flags}-client-ca ${clientCa}`];
  const [certText, keyText, caText] = await Promise.all([
    read(certFile, cert),
    read(keyFile, key),
    clientCa === undefined ? undefined : read(caFile, clientCa),
  ]);
  // In the order of the flags, whichever was found out first.
  if (certText instanceof TlsFilesError) throw certText;
  if (keyText instanceof TlsFilesError) throw keyText;
  if (caText instanceof TlsFilesError) throw caText;
  const certificate = parsed(`${certFile} is no certificate in PEM`, () => new X509Certificate(certText));
  const privateKey = parsed(`${keyFile} is no private key in PEM without a password`, () => createPrivateKey(keyText));
  if (!certificate.checkPrivateKey(privateKey))
    throw new TlsFilesError(`${keyFile} is not the key of ${certFile}: both must be of one pair`);
  parsed(`${certFile} cannot be used`, () => createSecureContext({ cert: certText, key: keyText }));
  if (caText !== undefined) parsed(`${caFile} has no certificate in PEM`, () => new X509Certificate(caText));
  return { cert: certText, key: keyText, clientCa: caText, expiresAt: Date.parse(certificate.validTo) };
}

async function read(named: string, file: string): Promise<string | TlsFilesError> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    return new TlsFilesError(`${named} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function parsed<T>(mistake: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw new TlsFilesError(`${mistake}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function digestOf({ cert, key, clientCa = '' }: TlsMaterial): string {
  return createHash('sha256')
    .update(JSON.stringify([cert, key, clientCa]))
    .digest('base64');
}
