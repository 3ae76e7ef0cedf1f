/** A server's certificate, its key and the authorities of its clients, from files that are read again when they change. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import type { Logger } from '../logger.ts';
import { WatchedFiles } from '../watched-files.ts';

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

type Name = 'cert' | 'key' | 'clientCa';

export class TlsFiles implements Disposable {
  readonly #options: TlsFilesOptions;
  readonly #watched: WatchedFiles<Name>;
  #material: TlsMaterial | undefined;

  private constructor(options: TlsFilesOptions) {
    this.#options = options;
    const { cert, key, clientCa } = options.files;
    const called = (name: Name): string => calledBy(options.files, name);
    this.#watched = new WatchedFiles<Name>({
      // Without the last one nobody asks for it.
      files: { cert, key, ...(clientCa !== undefined && { clientCa }) } as Record<Name, string>,
      called,
      use: (texts) => this.#use(materialOf(texts, called)),
      onTrouble: (why) => this.#warn(why),
      pollMs: options.pollMs ?? POLL_MS,
    });
  }

  /** @throws TlsFilesError */
  static async open(options: TlsFilesOptions): Promise<TlsFiles> {
    const files = new TlsFiles(options);
    await files.#watched.start();
    if (files.#material !== undefined) return files;
    files[Symbol.dispose]();
    throw new TlsFilesError(files.#watched.trouble);
  }

  get material(): TlsMaterial {
    if (this.#material === undefined) throw new TlsFilesError('there is none before the files are open');
    return this.#material;
  }

  /** Why what is in the files now is not used. */
  get trouble(): string | undefined {
    const { trouble } = this.#watched;
    return trouble === '' ? undefined : trouble;
  }

  [Symbol.dispose](): void {
    this.#watched[Symbol.dispose]();
  }

  #use(material: TlsMaterial): void {
    const isFirst = this.#material === undefined;
    this.#material = material;
    if (isFirst) return;
    this.#options.log.info('the certificate was read again', { expires: new Date(material.expiresAt).toISOString() });
    this.#options.onChange(material);
  }

  #warn(trouble: string): void {
    if (trouble === '' || this.#material === undefined) return;
    const expires = new Date(this.#material.expiresAt).toISOString();
    const consequence = `The certificate before it is used on; it expires at ${expires}. The files are looked at again all the time.`;
    this.#options.log.warn(trouble, { consequence });
  }
}

function calledBy(files: TlsFileNames, name: Name): string {
  const flag = { cert: 'cert', key: 'key', clientCa: 'client-ca' }[name];
  return `--${files.flags}-${flag} ${files[name]}`;
}

/** @throws Error that names the file */
function materialOf(texts: Readonly<Partial<Record<Name, string>>>, called: (name: Name) => string): TlsMaterial {
  const { cert = '', key = '', clientCa } = texts;
  const certificate = parsed(`${called('cert')} is no certificate in PEM`, () => new X509Certificate(cert));
  const privateKey = parsed(`${called('key')} is no private key in PEM without a password`, () => createPrivateKey(key));
  if (!certificate.checkPrivateKey(privateKey))
    throw new Error(`${called('key')} is not the key of ${called('cert')}: both must be of one pair`);
  parsed(`${called('cert')} cannot be used`, () => createSecureContext({ cert, key }));
  if (clientCa !== undefined) parsed(`${called('clientCa')} has no certificate in PEM`, () => new X509Certificate(clientCa));
  return { cert, key, clientCa, expiresAt: Date.parse(certificate.validTo) };
}

function parsed<T>(mistake: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw new Error(`${mistake}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
