import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { door } from '../../paths.js';
import { commandLine } from '../../shell.js';
import { keptDir } from '../kept/place.js';

/** A question of ssh, as one line of JSON. */
export interface Question {
  readonly text: string;
  /** SSH_ASKPASS_PROMPT: `none` is a notice that disappears by itself, `confirm` and the empty value need an answer. */
  readonly kind: string;
}

export interface Answer {
  readonly answer: string;
}

/** Longer than any prompt. */
const longestQuestion = 64 * 1024;

/**
 * Receives the questions of an ssh that runs without a terminal; the directory of kept logins must exist. For each
 * question ssh starts a program, which reaches this process through a socket in a directory that only this user can
 * enter. So answers are on no command line and in no environment.
 */
export class Asking {
  readonly #server = net.createServer({ allowHalfOpen: true });
  readonly #sockets = new Set<net.Socket>();

  private constructor(private readonly dir: string) {}

  /**
   * @param answer if it returns undefined, ssh gets no answer, which ends it
   * @param notice `gone` resolves when the notice can be removed
   */
  static async open(
    answer: (question: Question) => Promise<string | undefined>,
    notice: (text: string, gone: Promise<void>) => void,
  ): Promise<Asking> {
    const asking = new Asking(mkdtempSync(join(keptDir(), 'ask-')));
    asking.#server.on('connection', socket => {
      asking.#sockets.add(socket);
      const gone = new Promise<void>(resolve => socket.once('close', () => resolve()));
      void gone.then(() => asking.#sockets.delete(socket));
      asking.#hear(socket).then(
        async question => {
          if (question.kind === 'none') return notice(question.text, gone);
          const given = await answer(question);
          socket.end(given === undefined ? '' : JSON.stringify({ answer: given } satisfies Answer));
        },
        () => socket.destroy(),
      );
    });
    const program = [process.execPath, door('askpass'), asking.#socket];
    writeFileSync(asking.#script, `#!/bin/sh\nexec ${commandLine(program)} "$@"\n`, { mode: 0o700 });
    asking.#server.listen(asking.#socket);
    await once(asking.#server, 'listening');
    return asking;
  }

  /** The environment that makes ssh ask here: OpenSSH before 8.4 needs a display for that, and no terminal. */
  get env(): NodeJS.ProcessEnv {
    return { SSH_ASKPASS: this.#script, SSH_ASKPASS_REQUIRE: 'force', DISPLAY: process.env.DISPLAY || ':0' };
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    rmSync(this.dir, { recursive: true, force: true });
  }

  get #script(): string {
    return join(this.dir, 'askpass');
  }

  get #socket(): string {
    return join(this.dir, 'socket');
  }

  async #hear(socket: net.Socket): Promise<Question> {
    let text = '';
    socket.setEncoding('utf8').on('error', () => {}); // ssh may end while it asks
    while (!text.includes('\n') && text.length < longestQuestion) {
      const [piece] = (await once(socket, 'data')) as [string];
      text += piece;
    }
    return JSON.parse(text) as Question;
  }
}
