import { CertificateError } from './problem.js';

/** One PEM block of a text file (RFC 7468). */
export interface PemBlock {
  /** `CERTIFICATE`, `RSA PRIVATE KEY`, … */
  readonly label: string;
  /** With its BEGIN and END lines, as OpenSSL reads it. */
  readonly text: string;
  readonly encrypted: boolean;
}

/** All PEM blocks; the text between them is ignored. */
export function pemBlocks(text: string): PemBlock[] {
  const blocks: PemBlock[] = [];
  let open: { label: string; lines: string[] } | undefined;
  for (const line of text.split(/\r?\n/)) {
    const [, edge, label = ''] = /^-----(BEGIN|END) ([A-Z0-9 ]+)-----\s*$/.exec(line) ?? [];
    if (edge === 'BEGIN') open = { label, lines: [] };
    open?.lines.push(line.trimEnd());
    if (edge !== 'END') continue;
    if (open?.label === label) blocks.push(blockOf(label, open.lines));
    open = undefined;
  }
  return blocks;
}

function blockOf(label: string, lines: readonly string[]): PemBlock {
  const encrypted = label === 'ENCRYPTED PRIVATE KEY' || lines.some(line => /^Proc-Type:\s*4,ENCRYPTED/.test(line));
  return { label, text: `${lines.join('\n')}\n`, encrypted };
}

/** @throws CertificateError `malformed` */
export function derOf(block: PemBlock, what: string): Buffer {
  const body = block.text.replace(/^-----.*$/gm, '').replace(/\s+/g, '');
  if (body === '' || !/^[A-Za-z0-9+/]+={0,2}$/.test(body)) {
    throw new CertificateError('malformed', `${what} can't be read: it is not Base64`);
  }
  return Buffer.from(body, 'base64');
}

export function toPem(label: string, der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n');
}
