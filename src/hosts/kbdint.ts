import { sshString, sshUint32, WireReader } from '../credentials/ssh/wire.js';
import type { RawAuth, RawMethod } from './rawauth.js';

const infoResponse = 61;

/** The prompts that a server sends together (RFC 4256 section 3.2); without any prompt it is an announcement. */
export interface Round {
  readonly name: string;
  readonly instruction: string;
  readonly prompts: readonly { readonly prompt: string; readonly echo: boolean }[];
}

/**
 * One `keyboard-interactive` attempt (RFC 4256), with as many rounds as the server wants. ssh2 also has the method, but
 * it does not pass announcements on, and in these a site says, for example, that an account has expired.
 */
export class KeyboardInteractive implements RawMethod {
  readonly method = 'keyboard-interactive';

  /** @param answer must return one answer per prompt */
  constructor(
    private readonly user: string,
    private readonly answer: (round: Round) => Promise<readonly string[]>,
  ) {}

  async speak(wire: RawAuth): Promise<void> {
    const [language, submethods] = [sshString(''), sshString('')];
    wire.send(Buffer.concat([wire.request(this.user), language, submethods]));
    for (;;) {
      const message = await wire.receive();
      if (message === undefined) return;
      const answers = await this.answer(read(message));
      const reply = [Buffer.of(infoResponse), sshUint32(answers.length), ...answers.map(sshString)];
      wire.send(Buffer.concat(reply));
    }
  }
}

function read(message: Buffer): Round {
  const reader = new WireReader(message.subarray(1));
  const [name, instruction] = [reader.text(), reader.text()];
  reader.string(); // language
  const prompts: Round['prompts'][number][] = [];
  for (let left = reader.uint32(); left > 0; left--) {
    prompts.push({ prompt: reader.text(), echo: reader.boolean() });
  }
  return { name, instruction, prompts };
}
