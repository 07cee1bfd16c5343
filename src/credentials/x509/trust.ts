import { readdirSync, readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { messageOf } from '../../errors.js';
import { Certificate } from './certificate.js';
import { RevocationList } from './crl.js';
import { comparable, oneLine } from './name.js';
import { derOf, pemBlocks } from './pem.js';
import { parseSigningPolicy, type SigningRule } from './policy.js';
import { CertificateError } from './problem.js';

/** The trusted CAs, and the limits of that trust. */
export interface Trust {
  /** For messages: the place of the CAs. */
  readonly where: string;
  /** All trusted CAs with this name, whatever keys they have. */
  named(name: Buffer): readonly Certificate[];
  /** The trusted CAs that may have issued this certificate, even if the name is encoded as another string type. */
  issuersOf(certificate: Certificate): readonly Certificate[];
  /** The rules for a trusted CA; undefined if there are none. @throws CertificateError `signing-policy` */
  policyOf(authority: Certificate): readonly SigningRule[] | undefined;
  /** Revocation lists of a trusted CA. @throws CertificateError `crl` */
  revocationsOf(authority: Certificate): readonly RevocationList[];
}

/** Where Globus looks for CAs: X509_CERT_DIR, ~/.globus/certificates, /etc/grid-security/certificates. */
export function trustDir(env: NodeJS.ProcessEnv = process.env): string {
  if (env.X509_CERT_DIR) return env.X509_CERT_DIR;
  const own = join(env.HOME ?? homedir(), '.globus', 'certificates');
  return isDirectory(own) ? own : '/etc/grid-security/certificates';
}

/**
 * Reads a directory of CAs in the form that Globus and OpenSSL use: `HASH.0` certificates, `HASH.signing_policy`,
 * `HASH.r0` revocation lists. The hash only says which files belong together; names are read from the files themselves.
 * @throws CertificateError `unknown-ca` if there is no such directory
 */
export function loadTrust(dir = trustDir()): Trust {
  let files: string[];
  try {
    files = readdirSync(dir);
  } catch (cause) {
    throw new CertificateError('unknown-ca', `the directory of trusted CAs can't be read: ${messageOf(cause)}`, {
      hint: 'name the directory that your site publishes: export X509_CERT_DIR=DIRECTORY (or copy it to ~/.globus/certificates)',
      cause,
    });
  }
  return new Directory(dir, new Set(files));
}

class Directory implements Trust {
  readonly where: string;
  /** Identified by their text: each CA may be filed under two hashes, an old and a new one. */
  readonly #authorities = new Map<string, { readonly authority: Certificate; readonly hashes: Set<string> }>();

  constructor(
    private readonly dir: string,
    private readonly files: ReadonlySet<string>,
  ) {
    this.where = dir;
    for (const file of files) {
      const hash = /^([0-9a-f]{8})\.\d$/.exec(file)?.[1];
      if (hash !== undefined) this.#add(file, hash);
    }
  }

  /** If several programs fill a directory, one file may be broken: it is skipped. */
  #add(file: string, hash: string): void {
    try {
      const blocks = pemBlocks(readFileSync(join(this.dir, file), 'latin1'));
      const block = blocks.find(b => b.label === 'CERTIFICATE');
      if (block === undefined) return;
      const known = this.#authorities.get(block.text);
      if (known) known.hashes.add(hash);
      else
        this.#authorities.set(block.text, { authority: new Certificate(derOf(block, file)), hashes: new Set([hash]) });
    } catch {
      // skipped, as described above
    }
  }

  named(name: Buffer): readonly Certificate[] {
    return this.#all().filter(authority => authority.subject.equals(name));
  }

  issuersOf(certificate: Certificate): readonly Certificate[] {
    const same = this.named(certificate.issuer);
    if (same.length > 0) return same;
    return this.#all().filter(authority => certificate.x509.checkIssued(authority.x509));
  }

  #all(): Certificate[] {
    return [...this.#authorities.values()].map(({ authority }) => authority);
  }

  policyOf(authority: Certificate): readonly SigningRule[] | undefined {
    const files = this.#filesOf(authority, hash => [`${hash}.signing_policy`]);
    if (files.length === 0) return undefined;
    return files.flatMap(policiesIn);
  }

  revocationsOf(authority: Certificate): readonly RevocationList[] {
    const files = this.#filesOf(authority, hash => [...'0123456789'].map(n => `${hash}.r${n}`));
    const own = comparable(authority.name);
    return files.flatMap(listsIn).filter(list => comparable(oneLine(list.issuer)) === own);
  }

  #filesOf(authority: Certificate, names: (hash: string) => string[]): string[] {
    const known = [...this.#authorities.values()].find(one => one.authority.der.equals(authority.der));
    const hashes = known?.hashes ?? [];
    return [...hashes]
      .flatMap(names)
      .filter(name => this.files.has(name))
      .map(name => join(this.dir, name));
  }
}

function policiesIn(file: string): SigningRule[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw new CertificateError('signing-policy', `the signing policy can't be read: ${messageOf(cause)}`, { cause });
  }
  return parseSigningPolicy(text, file);
}

/** A list that can't be read is an error, because whoever installed it wanted it to be obeyed. */
function listsIn(file: string): RevocationList[] {
  try {
    const content = readFileSync(file);
    const blocks = pemBlocks(content.toString('latin1')).filter(b => b.label === 'X509 CRL');
    const ders = blocks.length > 0 ? blocks.map(block => derOf(block, file)) : [content];
    return ders.map(der => new RevocationList(der, file));
  } catch (cause) {
    throw new CertificateError('crl', `the revocation list ${file} can't be read: ${messageOf(cause)}`, { cause });
  }
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
