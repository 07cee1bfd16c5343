import { AuthError, UsageError } from '../../errors.js';
import { printable } from '../../printable.js';
import { append } from '../../text.js';

/** MyProxy's commands by their number on the wire (MyProxy protocol, version 2). */
export const commands = { get: 0, put: 1, info: 2, destroy: 3 } as const;

export interface MyProxyRequest {
  readonly command: keyof typeof commands;
  readonly username: string;
  readonly passphrase?: string | undefined;
  /** Seconds; 0: the server chooses. */
  readonly lifetime?: number;
  /** The name of one of several credentials of a user. */
  readonly credential?: string | undefined;
  /** The name of the service that may renew it without a passphrase. */
  readonly renewer?: string | undefined;
}

/** @throws UsageError for a value that would break the lines of the request */
export function encodeRequest(request: MyProxyRequest): Buffer {
  const { command, username, passphrase = '', lifetime = 0, credential, renewer } = request;
  const lines = {
    VERSION: 'MYPROXYv2',
    COMMAND: String(commands[command]),
    USERNAME: username,
    PASSPHRASE: passphrase,
    LIFETIME: String(lifetime),
    CRED_NAME: credential,
    RENEWER: renewer,
  };
  const present = Object.entries(lines).filter((line): line is [string, string] => line[1] !== undefined);
  for (const [name, value] of present) {
    if (/[\n\r\0]/.test(value))
      throw new UsageError(`MyProxy does not allow a line break in ${name.toLowerCase()}`, {
        hint: 'nothing was sent',
      });
  }
  return Buffer.from(`${present.map(([name, value]) => `${name}=${value}\n`).join('')}\0`);
}

export interface MyProxyResponse {
  readonly kind: 'ok' | 'error' | 'authorization';
  readonly values: ReadonlyMap<string, readonly string[]>;
}

const kinds: Readonly<Record<string, MyProxyResponse['kind']>> = { 0: 'ok', 1: 'error', 2: 'authorization' };

/** @param text up to the NUL that ends it @throws AuthError for text that is not an answer of MyProxy */
export function parseResponse(text: string, server: string): MyProxyResponse {
  const values = new Map<string, string[]>();
  for (const line of text.split('\n')) {
    const [, name, value = ''] = /^([^=]+)=(.*)$/s.exec(line) ?? [];
    if (name === undefined) continue;
    append(values, name, printable(value));
  }
  const kind = kinds[values.get('RESPONSE')?.[0] ?? ''];
  if (kind !== undefined && values.get('VERSION')?.[0]?.startsWith('MYPROXY')) return { kind, values };
  throw new AuthError(`${server} did not answer as a MyProxy server does`, {
    hint: "check host and port: MyProxy's is 7512",
  });
}
