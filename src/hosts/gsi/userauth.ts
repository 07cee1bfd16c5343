import { sshString, sshUint32, WireReader } from '../../credentials/ssh/wire.js';
import { AuthError, messageOf } from '../../errors.js';
import type { RawAuth, RawMethod } from '../rawauth.js';
import { type ContextOptions, SecurityContext, type Step } from './context.js';
import { serverWords } from './words.js';

/** DER of 1.3.6.1.4.1.3536.1.1.1, the mechanism "MICv2": the only one that servers with OpenSSL 1.1 or later have. */
const mechanism = Buffer.from('060a2b060104019b50010101', 'hex');

/** RFC 4462, 3.8. */
const message = { response: 60, token: 61, error: 64, errorToken: 65, mic: 66 } as const;
/** Only complaints are expected. */
const nothing = -1;

/** The result of a login. */
export interface Outcome {
  /** The server supports the mechanism. */
  readonly isGsi: boolean;
  /** Both sides accepted each other; what followed was the server's own decision. */
  readonly isEstablished: boolean;
  /** This side gave up. */
  readonly gaveUp: boolean;
  /** The reasons that the server gave. */
  readonly said: readonly string[];
}

/** Authenticates with a proxy (RFC 4462, section 3, over a GSI security context). To be used once. */
export class GssapiWithMic implements RawMethod {
  readonly method = 'gssapi-with-mic';
  readonly #user: string;
  readonly #options: ContextOptions;
  readonly #said: string[] = [];
  #isGsi = false;
  #isEstablished = false;
  #gaveUp = false;
  #over: Promise<void> | undefined;

  /** @param user the account; if empty, the server finds it by the proxy's name */
  constructor(user: string, options: ContextOptions) {
    this.#user = user;
    this.#options = options;
  }

  speak(wire: RawAuth): Promise<void> {
    const speaking = this.#speak(wire);
    this.#over = speaking.catch(() => {
      this.#gaveUp = true;
    });
    return speaking;
  }

  /** Both sides have accepted each other. */
  get isEstablished(): boolean {
    return this.#isEstablished;
  }

  /** The result, to be asked for once the server has decided. */
  async outcome(): Promise<Outcome> {
    await this.#over;
    return { isGsi: this.#isGsi, isEstablished: this.#isEstablished, gaveUp: this.#gaveUp, said: this.#said };
  }

  async #speak(wire: RawAuth): Promise<void> {
    const context = new SecurityContext(this.#options);
    try {
      wire.send(Buffer.concat([wire.request(this.#user), sshUint32(1), sshString(mechanism)]));
      if ((await this.#receive(wire, message.response, context)) === undefined) return;
      this.#isGsi = true;
      this.#isEstablished = await this.#establish(wire, context);
      if (this.#isEstablished) await this.#sign(wire, context);
    } finally {
      context.close();
    }
  }

  /** @returns false if the server gave up */
  async #establish(wire: RawAuth, context: SecurityContext): Promise<boolean> {
    let step: Step = await context.step();
    for (;;) {
      if (step.token !== undefined) wire.send(Buffer.concat([Buffer.of(message.token), sshString(step.token)]));
      if (step.done) return true;
      const token = await this.#receive(wire, message.token, context);
      if (token === undefined) return false;
      step = await context.step(token);
    }
  }

  /** The content of the server's next message; undefined if the server decided instead. Its complaints are recorded. */
  async #receive(wire: RawAuth, awaited: number, context: SecurityContext): Promise<Buffer | undefined> {
    for (;;) {
      const payload = await wire.receive();
      if (payload === undefined) return undefined;
      const reader = new WireReader(payload.subarray(1));
      try {
        if (payload[0] === awaited) return reader.string();
        if (payload[0] === message.error) this.#complaint(reader);
        else if (payload[0] === message.errorToken) await this.#alert(reader.string(), context);
        else throw new RangeError('this message is not expected here');
      } catch (cause) {
        const what = `a message (${payload[0]}) that makes no sense in a GSI login`;
        throw new AuthError(`${this.#options.server} sends ${what}: ${messageOf(cause)}`, { cause });
      }
    }
  }

  /** Binds the context to this SSH session and user (RFC 4462, 3.5), and waits for the decision. */
  async #sign(wire: RawAuth, context: SecurityContext): Promise<void> {
    const bound = Buffer.concat([sshString(wire.sessionId), wire.request(this.#user)]);
    const mic = context.mic(bound);
    wire.send(Buffer.concat([Buffer.of(message.mic), sshString(mic)]));
    await this.#receive(wire, nothing, context);
  }

  /** RFC 4462, 3.9: two status codes, the text, its language. */
  #complaint(reader: WireReader): void {
    reader.uint32();
    reader.uint32();
    const text = serverWords(reader.text());
    if (text !== '') this.#said.push(text);
  }

  /** In most cases this is a TLS alert; the server's text says more, if it comes. */
  async #alert(token: Buffer, context: SecurityContext): Promise<void> {
    if (this.#isEstablished) return;
    await context.step(token).catch((error: Error) => {
      if (this.#said.length === 0) this.#said.push(error.message);
    });
  }
}
