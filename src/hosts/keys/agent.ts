import net from 'node:net';
import { sshString, sshUint32, WireReader } from '../../credentials/ssh/wire.js';

/** Message numbers and flags (draft-ietf-sshm-ssh-agent, section 6). */
const message = { failure: 5, requestIdentities: 11, identities: 12, signRequest: 13, signature: 14 } as const;
const flags: Readonly<Record<string, number>> = { 'rsa-sha2-256': 2, 'rsa-sha2-512': 4 };
const maxAnswer = 1024 * 1024;
/** A person may have to confirm a signature or touch a token, but listing keys needs nobody. */
const listMs = 5_000;
const signMs = 60_000;

/** A public key or certificate whose private half an agent holds. */
export interface HeldKey {
  readonly blob: Buffer;
  readonly comment: string;
}

/** A client of ssh-agent; unlike ssh2's own client, it knows the certificates that an agent holds. */
export class Agent {
  constructor(private readonly socket: string) {}

  /** The keys that it holds. @throws Error if nobody answers at the socket */
  async keys(): Promise<HeldKey[]> {
    const reader = await this.#ask(Buffer.of(message.requestIdentities), message.identities, listMs);
    const count = reader.uint32();
    return Array.from({ length: count }, () => ({ blob: reader.string(), comment: reader.text() }));
  }

  /** @returns the signature in wire format (RFC 4253 section 6.6). @throws Error if the agent does not sign */
  async sign(blob: Buffer, data: Buffer, algorithm: string): Promise<Buffer> {
    const request = [
      Buffer.of(message.signRequest),
      sshString(blob),
      sshString(data),
      sshUint32(flags[algorithm] ?? 0),
    ];
    const signature = (await this.#ask(Buffer.concat(request), message.signature, signMs)).string();
    const used = new WireReader(signature).text();
    if (used !== algorithm) throw new Error(`it signs with ${used}, but ${algorithm} is needed`);
    return signature;
  }

  #ask(request: Buffer, wanted: number, patienceMs: number): Promise<WireReader> {
    return new Promise((resolve, reject) => {
      const socket = net.connect(this.socket);
      const fail = (why: string): void => {
        socket.destroy();
        reject(new Error(why));
      };
      let answer = Buffer.alloc(0);
      socket.setTimeout(patienceMs, () => fail('the agent does not answer'));
      socket.on('error', error => fail(`the agent can't be asked: ${error.message}`));
      socket.on('close', () => fail('the agent closed the connection'));
      socket.on('data', part => {
        answer = Buffer.concat([answer, part]);
        if (answer.length < 4) return;
        const length = answer.readUInt32BE();
        if (length > maxAnswer) return fail('the agent sent an invalid answer');
        if (answer.length < 4 + length) return;
        const [type, body] = [answer[4], answer.subarray(5, 4 + length)];
        if (type !== wanted)
          return fail(type === message.failure ? 'the agent refused' : 'the agent sent an invalid answer');
        resolve(new WireReader(body));
        socket.destroy();
      });
      socket.write(sshString(request));
    });
  }
}
