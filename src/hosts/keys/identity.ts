import type { Certificate } from '../../credentials/ssh/certificate.js';
import { keyType } from '../../credentials/ssh/publickey.js';
import { sshString, WireReader } from '../../credentials/ssh/wire.js';
import { AuthError, messageOf, ScailfinError } from '../../errors.js';
import type { RawAuth, RawMethod } from '../rawauth.js';
import { algorithmsFor } from './signature.js';

/** Something to show to a server whose private half we can prove to have. */
export interface Identity {
  /** For messages: `key /home/alice/.ssh/id_rsa`, `agent key alice@laptop`. */
  readonly label: string;
  /** What is shown: a public key or a certificate. */
  readonly blob: Buffer;
  readonly certificate?: Certificate | undefined;
  readonly isAgents: boolean;
  /**
   * Called only once the server wants it, since it may ask for a passphrase. @returns a signature, RFC 4253 section 6.6
   */
  sign(data: Buffer, algorithm: string): Promise<Buffer>;
}

/** One `publickey` attempt (RFC 4252 section 7): asks whether the server accepts the key, and signs if it does. */
export class PublicKeyAttempt implements RawMethod {
  readonly method = 'publickey';

  constructor(
    private readonly user: string,
    private readonly identity: Identity,
    private readonly allowed?: readonly string[],
  ) {}

  async speak(wire: RawAuth): Promise<void> {
    const { blob, label } = this.identity;
    const find = (allowed?: readonly string[]) =>
      algorithmsFor(keyType(blob), wire.signatureAlgorithms, wire.software, allowed);
    const algorithms = find(this.allowed);
    if (algorithms === undefined && find() !== undefined) {
      throw new AuthError(`PubkeyAcceptedAlgorithms in ~/.ssh/config allows no signature that ${label} can make here`, {
        hint: `for this host, write: PubkeyAcceptedAlgorithms +${find()?.request}`,
      });
    }
    if (algorithms === undefined) {
      throw new AuthError(`the server takes no kind of signature that ${label} can make`, {
        hint: 'use a key of another type: ssh-keygen -t ed25519',
      });
    }
    const request = (signed: 0 | 1): Buffer =>
      Buffer.concat([wire.request(this.user), Buffer.of(signed), sshString(algorithms.request), sshString(blob)]);
    wire.send(request(0));
    const answer = await wire.receive();
    if (answer === undefined) return; // not this one
    if (!this.#isMeant(answer)) throw new AuthError(`the server's answer is about another key than ${label}`);
    const body = request(1);
    const data = Buffer.concat([sshString(wire.sessionId), body]);
    const signature = await this.identity.sign(data, algorithms.signature).catch((error: unknown) => {
      throw error instanceof ScailfinError ? error : new AuthError(`${label} did not sign: ${messageOf(error)}`);
    });
    wire.send(Buffer.concat([body, sshString(signature)]));
    await wire.receive();
  }

  #isMeant(answer: Buffer): boolean {
    const reader = new WireReader(answer.subarray(1));
    reader.string(); // the algorithm
    return reader.string().equals(this.identity.blob);
  }
}
