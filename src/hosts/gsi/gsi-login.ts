import { checkDates } from '../../credentials/x509/checks.js';
import { verifyPeer } from '../../credentials/x509/peer.js';
import { toPem } from '../../credentials/x509/pem.js';
import { type GridProxy, readProxy, signDelegation } from '../../credentials/x509/proxy.js';
import { loadTrust, trustDir } from '../../credentials/x509/trust.js';
import { AuthError } from '../../errors.js';
import type { RawMethod } from '../rawauth.js';
import { refusal } from './refusal.js';
import type { GsiSettings } from './settings.js';
import { GssapiWithMic } from './userauth.js';

/** Logs in with the user's proxy, if there is one: once per connection. */
export class GsiLogin {
  readonly #settings: GsiSettings;
  readonly #alias: string;
  readonly #problem: (error: AuthError) => void;
  #isTried = false;
  #attempt: { readonly method: GssapiWithMic; readonly proxy: GridProxy } | undefined;

  /**
   * @param alias the host, for messages
   * @param problem called with the reason if a login was not tried or did not succeed
   */
  constructor(settings: GsiSettings, alias: string, problem: (error: AuthError) => void) {
    this.#settings = settings;
    this.#alias = alias;
    this.#problem = problem;
  }

  /** What is shown to the server, for messages. */
  get label(): string {
    return `the proxy ${this.#settings.proxy}`;
  }

  /** The method to use; undefined if it was used already, or if there is no proxy to show. */
  next(): RawMethod | undefined {
    if (this.#isTried) return undefined;
    this.#isTried = true;
    const proxy = this.#proxy();
    if (proxy === undefined) return undefined;
    const { account, delegate, server, env } = this.#settings;
    const method = new GssapiWithMic(account, {
      server: this.#alias,
      chain: proxy.chain.map(der => toPem('CERTIFICATE', der)).join(''),
      key: proxy.key.export({ type: 'pkcs8', format: 'pem' }) as string,
      checkServer: shown => void verifyPeer(shown, { host: server, services: ['host'] }, loadTrust(trustDir(env))),
      delegate: delegate ? request => signDelegation(request, proxy) : undefined,
    });
    this.#attempt = { method, proxy };
    return method;
  }

  /** To be called once the server has decided: reports why it did not accept the proxy. */
  async judge(): Promise<void> {
    const attempt = this.#attempt;
    this.#attempt = undefined;
    if (attempt === undefined) return;
    const outcome = await attempt.method.outcome();
    if (outcome.gaveUp || (!outcome.isGsi && !this.#settings.expected)) return;
    this.#problem(refusal(this.#alias, this.#settings.account, attempt.proxy, outcome));
  }

  /**
   * What it means that the server ends the connection while it decides: undefined if nothing is known about that. From
   * version 10, GSI-OpenSSH with PAM does so as soon as it changes to the account that it found for the proxy (`PAM user mismatch` in
   * its log; sshpam_init in auth-pam.c). Its own gsissh meets the same.
   */
  cutOff(): AuthError | undefined {
    const { account } = this.#settings;
    if (account !== '' || this.#attempt?.method.isEstablished !== true) return undefined;
    return new AuthError(`${this.#alias} accepted the proxy, and ended the connection when it looked for its account`, {
      hint: 'name your account there: --user NAME; to keep it: scailfin config set sites.SITE.user NAME',
    });
  }

  #proxy(): GridProxy | undefined {
    try {
      const proxy = readProxy(this.#settings.proxy);
      const now = new Date();
      for (const certificate of proxy.certificates) checkDates(certificate, now);
      return proxy;
    } catch (error) {
      if (!(error instanceof AuthError)) throw error;
      this.#problem(error);
      return undefined;
    }
  }
}
