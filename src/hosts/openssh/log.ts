import { printable } from '../../printable.js';
import type { HostKeyVerdict } from '../hostkeys.js';

/** How much of ssh's output is kept, the newest part; characters. */
const kept = 128 * 1024;

/** Lines of `ssh -v` that are not useful to a person. */
const noise = /^(OpenSSH_|Authenticated |Transferred: |Bytes per second: |Warning: Permanently added |@+$|$)/;

/**
 * A debug message may have several lines; only the last of them has the line end that ssh writes, whatever was cut off
 * (log.c).
 */
const debugging = /(?<![^\n])debug\d: [^\n]*\n(?:(?<!\r\n)(?!debug\d: )[^\n]*\n)*/g;

/**
 * What `ssh -v` writes to standard error. The wording is that of OpenSSH 7.4 to 10.3, which differ little; if a line has
 * another wording, our error says less.
 */
export class SshLog {
  #text = '';
  #told = 0;

  take(piece: string): void {
    const cut = Math.max(0, this.#text.length + piece.length - kept);
    this.#text = (this.#text + piece).slice(cut);
    this.#told = Math.max(0, this.#told - cut);
  }

  /** The lines that ssh without -v would show. */
  get said(): string[] {
    return forPeople(this.#text);
  }

  /** Those since the last call: what the server says before it asks for a code. */
  news(): string[] {
    const news = forPeople(this.#text.slice(this.#told));
    this.#told = this.#text.length;
    return news;
  }

  /** Why a connection ended that had been established. */
  get farewell(): string {
    const last = forPeople(this.#text.slice(this.#told)).at(-1) ?? '';
    if (/not responding/.test(last)) return 'it stopped answering';
    if (/closed by|reset by/.test(last)) return 'the other side closed it';
    return last === '' ? 'ssh ended' : `ssh ended: ${last}`;
  }

  /** A host on the way shows another key than the known one; ssh has written all of its message by then. */
  get isKeyChanged(): boolean {
    const all = printable(this.#text);
    const at = all.indexOf('HOST IDENTIFICATION HAS CHANGED');
    return at >= 0 && /\nOffending .*:\d+$/m.test(all.slice(at));
  }

  /** The first line from something that is not an SSH server. */
  get greeting(): string | undefined {
    return this.#here(/^debug1: (?:kex|ssh)_exchange_identification: (?:banner line 0: )?(.*)$/gm)[0]?.[1];
  }

  /** How many hosts have let us in so far. */
  get passed(): number {
    return this.#all(/^Authenticated to /gm).length;
  }

  /** The methods that were tried at the host that has not let us in. */
  get tried(): string[] {
    const keys = this.#here(/^debug1: Offering (?:\S+ )?public key: (.*?)(?: \S+ SHA256:\S+(.*))?$/gm).map(
      ([, name = '', rest = '']) => `${rest.includes('agent') ? 'agent key' : 'key'} ${name}`,
    );
    const methods = this.#here(/^debug1: Next authentication method: (\S+)$/gm).flatMap(([, name = '']) =>
      name === 'publickey' ? [] : [name],
    );
    return [...new Set([...keys, ...methods])];
  }

  /** The methods that the server accepts, by its last message. */
  get offered(): string[] {
    return (
      this.#here(/^debug1: Authentications that can continue: (.*)$/gm)
        .at(-1)?.[1]
        ?.split(',') ?? []
    );
  }

  /** Why GSSAPI failed. */
  get gssapi(): string | undefined {
    const here = this.#text.slice(this.#text.lastIndexOf('\nAuthenticated to ') + 1);
    const [text] = [...here.matchAll(debugging)].findLast(([all]) => all.includes('GSS')) ?? [];
    if (text === undefined) return undefined;
    return printable(text.replace(/^debug\d: /, ''))
      .split('\n')
      .flatMap(line => line.trim() || [])
      .join(' ');
  }

  /** The keys that were accepted: encryption begins only after that. */
  get settledKeys(): HostKeyVerdict[] {
    return this.hostKeys.slice(0, this.#all(/^debug1: SSH2_MSG_NEWKEYS received$/gm).length);
  }

  /** The keys that hosts showed, in the order of the hosts. */
  get hostKeys(): HostKeyVerdict[] {
    const found = this.#all(/^debug1: Server host key: (\S+) (\S+)$(?:\n(?!debug1: Server host key).*)*/gm);
    return found.map(([all, type = '', fingerprint = '']) => ({
      ...{ type, fingerprint },
      place: /^debug1: Found (?:key|matching \S+ key) in (.*:\d+)$/m.exec(all)?.[1],
    }));
  }

  #all(pattern: RegExp): RegExpMatchArray[] {
    return [...printable(this.#text).matchAll(pattern)];
  }

  #here(pattern: RegExp): RegExpMatchArray[] {
    const all = printable(this.#text);
    return [...all.slice(all.lastIndexOf('\nAuthenticated to ') + 1).matchAll(pattern)];
  }
}

function forPeople(text: string): string[] {
  const plain = printable(text.replace(debugging, ''));
  return plain.split('\n').flatMap(line => (noise.test(line) ? [] : [line.trimEnd()]));
}
