import { existsSync } from 'node:fs';
import type { AnyAuthMethod } from 'ssh2';
import type { Prompter } from '../credentials/prompts.js';
import { faultOf, validity } from '../credentials/ssh/certificate.js';
import { AuthError, InterruptedError, messageOf, type ScailfinError } from '../errors.js';
import { printable } from '../printable.js';
import type { GsiLogin } from './gsi/gsi-login.js';
import { type Identity, PublicKeyAttempt } from './keys/identity.js';
import { type Candidate, planIdentities } from './keys/identity-order.js';
import { Questions, unansweredHint } from './questions.js';
import type { RawMethod } from './rawauth.js';
import type { SshSettings } from './sshconfig.js';

type Attempt = AnyAuthMethod | RawMethod;

/**
 * Decides what to try next when a server asks who we are (RFC 4252): first `none`, to learn which methods the server
 * takes, then the methods in the order of the configuration. Afterwards it reports what was tried, and what may be wrong
 * with it.
 */
export class Authenticator {
  readonly #settings: SshSettings;
  readonly #prompter: Prompter | undefined;
  readonly #questions: Questions;
  readonly #tried: string[] = [];
  readonly #problems: AuthError[] = [];
  #offered: readonly string[] = [];
  #candidates: Candidate[] | undefined;
  #refused: Candidate[] = [];
  #last: { candidate: Candidate; identity: Identity } | undefined;
  #agentKeys = 0;
  #hadCertificate = false;
  #gsi: GsiLogin | undefined;
  #banner = '';

  /** The next attempt for each method that a server may name; undefined if there is nothing more to try with it. */
  readonly #methods: Readonly<Record<string, () => Promise<Attempt | undefined>>> = {
    'gssapi-with-mic': () => this.#proxy(),
    publickey: () => this.#publicKey(),
    'keyboard-interactive': async () => this.#questions.keyboardInteractive(),
    password: () => this.#questions.password(),
  };

  /** Called with an error that ends the login from inside a prompt. */
  onFailure: (error: ScailfinError) => void = () => {};

  /** @param signatures the algorithms that PubkeyAcceptedAlgorithms leaves, if the configuration has it */
  constructor(
    settings: SshSettings,
    prompter?: Prompter,
    private readonly signatures?: readonly string[],
  ) {
    this.#settings = settings;
    this.#prompter = prompter;
    this.#questions = new Questions(settings, prompter);
    this.#questions.onFailure = error => this.onFailure(this.#questions.unanswered ? this.error() : error);
  }

  /**
   * The next attempt, or false if nothing is left.
   * @param left the methods that the server still takes; null before its first answer
   * @param partial the last attempt was right, but the server wants another one
   */
  async next(left: readonly string[] | null, partial: boolean): Promise<Attempt | false> {
    if (left === null) return { type: 'none', username: this.#settings.user };
    this.#judge(partial);
    if (!partial) await this.#gsi?.judge();
    if (this.#settings.gsi?.expected && this.#gsi === undefined && !left.includes('gssapi-with-mic'))
      this.#problem(new AuthError(`${this.#settings.alias} takes no logins by proxy (GSI)`));
    this.#offered = left;
    for (const name of this.#settings.methods) {
      if (!left.includes(name)) continue;
      const attempt = await this.#methods[name]?.();
      if (attempt === undefined) continue;
      if (!this.#tried.includes(this.#labelOf(name))) this.#tried.push(this.#labelOf(name));
      return attempt;
    }
    return false;
  }

  /**
   * Records an attempt that failed before the server could judge it.
   * @throws InterruptedError unchanged: the user stopped the login
   */
  note(error: unknown): void {
    if (error instanceof InterruptedError) throw error;
    this.#last = undefined;
    this.#problem(error instanceof AuthError ? error : new AuthError(messageOf(error)));
  }

  /** A text that the server shows to everybody who connects; some sites say here why an account is closed. */
  banner(text: string): void {
    this.#banner = printable(text).trim().split('\n').slice(-5).join('\n  ');
  }

  /** The error that says why no attempt was accepted. */
  error(because?: string): AuthError {
    const cutOff = this.#gsi?.cutOff();
    if (cutOff !== undefined) this.#problem(cutOff);
    const { user, alias } = this.#settings;
    const { unanswered } = this.#questions;
    const parts = [
      `${alias} did not accept ${user}${because === undefined ? '' : `: ${printable(because)}`}`,
      `tried: ${this.#tried.length > 0 ? this.#tried.join(', ') : 'nothing, for want of a key'}`,
      ...(this.#offered.length > 0 ? [`the server takes: ${this.#offered.join(', ')}`] : []),
      ...[this.#banner, this.#questions.announcement ?? ''].filter(Boolean).map(text => `the server says: ${text}`),
      ...this.#problems.map(p => p.message),
      ...(unanswered === undefined ? [] : [`it asks ${user} for ${JSON.stringify(unanswered)}, and nobody can answer`]),
    ];
    return new AuthError(parts.join('\n  '), { hint: this.#hint(because), needsPerson: unanswered !== undefined });
  }

  #hint(because: string | undefined): string {
    const { user, alias, host, renewal } = this.#settings;
    if (/too many authentication failures/i.test(because ?? '') && this.#agentKeys > 1) {
      return `the agent offered ${this.#agentKeys} keys; name the right one for ${alias} in ~/.ssh/config: IdentityFile FILE, and IdentitiesOnly yes`;
    }
    const known = this.#problems.find(p => p.hint !== undefined)?.hint;
    if (known !== undefined) return known;
    if (renewal !== undefined && !this.#hadCertificate) return `to get a key: ${renewal}`;
    if (this.#questions.unanswered === undefined) return `to see the messages of a plain login: ssh -v ${user}@${host}`;
    return unansweredHint(this.#settings);
  }

  async #proxy(): Promise<Attempt | undefined> {
    const { gsi, alias } = this.#settings;
    // some systems set GSSAPIAuthentication for all hosts: users without proxies should load nothing and see no messages
    if (gsi === undefined || !(gsi.expected || existsSync(gsi.proxy))) return undefined;
    const { GsiLogin } = await import('./gsi/gsi-login.js');
    this.#gsi ??= new GsiLogin(gsi, alias, error => this.#problem(error));
    return this.#gsi.next();
  }

  async #publicKey(): Promise<Attempt | undefined> {
    this.#candidates ??= await planIdentities(this.#settings, this.#prompter, error => this.note(error));
    for (;;) {
      const candidate = this.#candidates.shift();
      if (candidate === undefined) return undefined;
      try {
        const identity = await candidate();
        if (identity.isAgents) this.#agentKeys += 1;
        if (identity.certificate) this.#hadCertificate = true;
        this.#last = { candidate, identity };
        return new PublicKeyAttempt(this.#settings.user, identity, this.signatures);
      } catch (error) {
        this.note(error);
      }
    }
  }

  /** Handles the server's answer to the last attempt. */
  #judge(partial: boolean): void {
    const last = this.#last;
    this.#last = undefined;
    if (last && !partial) {
      this.#refused.push(last.candidate);
      this.#explain(last.identity);
    }
    if (!partial) return;
    this.#questions.onwards();
    // as in ssh, a key that was refused before may be accepted as the second key now
    this.#candidates?.push(...this.#refused.splice(0));
  }

  #explain({ certificate, label }: Identity): void {
    if (certificate === undefined) return;
    const { user, renewal } = this.#settings;
    const fault = faultOf(certificate, user);
    const id = `key id ${JSON.stringify(certificate.keyId)}`;
    const signer = `signed by the authority ${certificate.authority}`;
    if (fault === undefined) {
      const text = `${label} was refused: it is valid ${validity(certificate)} (${id}, ${signer}); the server may not trust this authority, or holds the key for revoked`;
      this.#problem(new AuthError(text, { hint: renewal && `to get a new one: ${renewal}` }));
      return;
    }
    const isOthers = fault.includes('not for');
    const cure = isOthers
      ? `log in as ${certificate.principals[0]}, or get a certificate for ${user}`
      : renewal && `to get a new one: ${renewal}`;
    const problem = new AuthError(`${label} ${fault} (${id}, ${signer})`, {
      hint: cure ?? 'get a new certificate from whoever gave you this one',
    });
    this.#problem(problem);
    this.#questions.remark(problem.hint ? `${label} ${fault}; ${problem.hint}` : `${label} ${fault}`);
  }

  #problem(error: AuthError): void {
    if (!this.#problems.some(p => p.message === error.message)) this.#problems.push(error);
  }

  #labelOf(method: string): string {
    if (method === 'gssapi-with-mic') return this.#gsi?.label ?? method;
    return method === 'publickey' ? (this.#last?.identity.label ?? method) : method;
  }
}
