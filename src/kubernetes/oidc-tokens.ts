/** Tokens of a user who logs in by OIDC: the one in the kubeconfig while it is good, else one of the provider. */
import { setTimeout as wait } from 'node:timers/promises';
import { type IdToken, type OidcLogin, type Renewal, renewToken, writtenToken } from './oidc-login.ts';

export interface OidcUser {
  readonly userName: string;
  readonly oidc: OidcLogin;
}

export interface OidcTokensOptions {
  readonly isGood: (token: IdToken) => boolean;
  /** As it is written now. */
  readonly read: () => Promise<OidcLogin | undefined>;
  /** For the next command. It tells its own trouble. */
  readonly keep: (userName: string, before: OidcLogin, after: OidcLogin) => Promise<void>;
}

/** Another command that has renewed the login writes it in a moment. */
const OTHERS_TRIES = 10;
const OTHERS_PAUSE_MS = 100;

export class OidcTokens {
  readonly #options: OidcTokensOptions;
  /** What the provider gave last, and the login as it was written that it gave it for. */
  #renewed: { readonly by: string; readonly renewal: Promise<Renewal> } | undefined;

  constructor(options: OidcTokensOptions) {
    this.#options = options;
  }

  /** @throws AccessError */
  async token({ userName, oidc }: OidcUser): Promise<string> {
    const { isGood } = this.#options;
    const written = writtenToken(oidc);
    if (isGood(written)) return written.text;
    const by = JSON.stringify(oidc);
    let login = oidc;
    while (this.#renewed?.by === by) {
      const last = this.#renewed;
      const renewal = await last.renewal;
      if (isGood(renewal.token)) return renewal.token.text;
      login = renewal.login;
      // Of those who see that it has expired, one asks again.
      if (this.#renewed === last) this.#renewed = undefined;
    }
    const own = { by, renewal: this.#renew(userName, login) };
    this.#renewed = own;
    own.renewal.catch(() => {
      if (this.#renewed === own) this.#renewed = undefined;
    });
    return (await own.renewal).token.text;
  }

  async #renew(userName: string, login: OidcLogin): Promise<Renewal> {
    try {
      const renewal = await renewToken(login, userName);
      await this.#options.keep(userName, login, renewal.login);
      return renewal;
    } catch (error) {
      const other = await this.#renewedByOthers(login);
      if (other === undefined) throw error;
      return other;
    }
  }

  /** Many providers take a refresh token but once: who comes second takes what the first was given. */
  async #renewedByOthers(login: OidcLogin): Promise<Renewal | undefined> {
    for (let tries = 0; tries < OTHERS_TRIES; tries += 1) {
      const written = await this.#options.read();
      if (written !== undefined && written['id-token'] !== login['id-token']) {
        const token = writtenToken(written);
        if (this.#options.isGood(token)) return { token, login: written };
      }
      await wait(OTHERS_PAUSE_MS);
    }
    return undefined;
  }
}
