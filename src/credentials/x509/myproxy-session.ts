import { sign } from 'node:crypto';
import { AuthError } from '../../errors.js';
import { Channel } from './channel.js';
import { encodeRequest, type MyProxyRequest, type MyProxyResponse, parseResponse } from './myproxy-wire.js';
import { CertificateError } from './problem.js';
import type { Trust } from './trust.js';
import type { Identity } from './user.js';

export interface MyProxyServer {
  readonly host: string;
  readonly port: number;
  /** The only server name to accept, on one line; default: every name of its host. */
  readonly identity?: string | undefined;
}

export interface MyProxyOptions {
  readonly trust: Trust;
  /** The certificate to show, with its key. Fetching with a passphrase needs none. */
  readonly own?: Identity | undefined;
  /** How long to wait for each answer; default 30 000. */
  readonly timeoutMs?: number;
}

/** What the server asks to have signed, by the numbers of MyProxy's authorization methods. */
const challenges = [
  { name: 'X509_certificate_SHA256', method: 4, hash: 'sha256' },
  { name: 'X509_certificate', method: 2, hash: 'sha1' },
] as const;

/** One request to a MyProxy server: GSI messages are sent directly over TLS, without any framing. */
export class MyProxySession {
  private constructor(
    private readonly channel: Channel,
    private readonly name: string,
  ) {}

  /**
   * Sends a request and waits until the server accepts it.
   * @param proof signs the server's challenge, if it wants proof that we have the credential to be renewed
   * @returns the open session, and the server's answer
   * @throws AuthError in the server's words
   */
  static async open(
    server: MyProxyServer,
    request: MyProxyRequest,
    options: MyProxyOptions,
    proof?: Identity,
  ): Promise<{ session: MyProxySession; response: MyProxyResponse }> {
    const { trust, own, timeoutMs } = options;
    const encoded = encodeRequest(request);
    const patience = timeoutMs === undefined ? {} : { timeoutMs };
    const channel = await Channel.open({ ...server, services: ['host', 'myproxy'], trust, own, ...patience });
    const session = new MyProxySession(channel, `the MyProxy server ${server.host}:${server.port}`);
    try {
      // the first message of a GSI client: "no delegation"
      channel.write('0');
      channel.write(encoded);
      let response = await session.response();
      if (response.kind === 'authorization') {
        session.#prove(response, proof);
        response = await session.response();
      }
      return { session, response };
    } catch (error) {
      channel.close();
      throw error;
    }
  }

  /** The next answer. @throws AuthError in the server's words, if it is an error */
  async response(): Promise<MyProxyResponse> {
    let text = await this.channel.readTo(0);
    // with TLS 1.3, GSI servers first send a NUL of their own
    if (text.length === 0) text = await this.channel.readTo(0);
    return this.#agreed(text.toString('utf8'));
  }

  #agreed(text: string): MyProxyResponse {
    const response = parseResponse(text, this.name);
    if (response.kind !== 'error') return response;
    const words = saidOf(response);
    throw new AuthError(`${this.name} refuses: ${words.join('; ') || 'it does not say why'}`, { hint: hintOn(words) });
  }

  send(data: Buffer): void {
    this.channel.write(data);
  }

  readDer(): Promise<Buffer> {
    return this.channel.readDer();
  }

  /** The certificates, which follow their number in a single byte. */
  async certificates(): Promise<Buffer[]> {
    const [count = 0] = await this.channel.read(1);
    // a refusal at this stage begins with "VERSION"
    if (count === 'V'.charCodeAt(0)) this.#agreed(`V${(await this.channel.readTo(0)).toString('utf8')}`);
    if (count === 0 || count > 30) throw new CertificateError('malformed', `${this.name} sent no certificates`);
    const certificates: Buffer[] = [];
    while (certificates.length < count) certificates.push(await this.channel.readDer());
    return certificates;
  }

  close(): void {
    this.channel.close();
  }

  #prove({ values }: MyProxyResponse, proof: Identity | undefined): void {
    const offered = (values.get('AUTHORIZATION_DATA') ?? []).map(line => line.split(':'));
    const chosen = challenges.find(({ name }) => offered.some(([method]) => method === name));
    if (proof === undefined || chosen === undefined) {
      const methods = offered.map(([method]) => method).join(', ') || 'nothing that it names';
      throw new AuthError(`${this.name} needs more than a passphrase: ${methods}`, {
        hint: "ask the server's administrator how to log on",
      });
    }
    const challenge = offered.find(([method]) => method === chosen.name)?.[1] ?? '';
    const signature = sign(chosen.hash, Buffer.from(challenge), proof.key);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(signature.length);
    this.send(Buffer.concat([Buffer.of(chosen.method, 0, 0, 0), length, signature, counted(proof)]));
  }
}

/** A chain in MyProxy's format: the number in one byte, then each certificate in DER. */
export const counted = ({ certificates }: Pick<Identity, 'certificates'>): Buffer =>
  Buffer.concat([Buffer.of(certificates.length), ...certificates.map(c => c.der)]);

/** The server's error text. For a wrong passphrase it may also contain OpenSSL's errors, line by line. */
function saidOf({ values }: MyProxyResponse): string[] {
  const words = (values.get('ERROR') ?? []).map(line => line.trim()).filter(Boolean);
  const wrong = words.filter(line => /^(bad password|invalid credential passphrase)/i.test(line));
  return wrong.length > 0 ? wrong : words;
}

function hintOn(words: readonly string[]): string | undefined {
  const text = words.join('\n');
  if (/pass ?(word|phrase)/i.test(text)) return 'check user name and passphrase and try again';
  if (/no credentials|not exist|not found|no such/i.test(text)) return 'store them first: scailfin proxy store';
  return undefined;
}
