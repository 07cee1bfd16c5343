import { createPrivateKey, type KeyObject } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { AuthError, messageOf } from '../../errors.js';
import { quote } from '../../shell.js';
import { type Passphrases, unlock } from '../passphrases.js';
import { Certificate } from './certificate.js';
import { readSecret } from './files.js';
import { derOf, type PemBlock, pemBlocks } from './pem.js';
import { openPkcs12 } from './pkcs12.js';
import { CertificateError } from './problem.js';

/** A certificate, its chain without the root, and its key: a person's own, or a proxy. */
export interface Identity {
  readonly certificates: readonly [Certificate, ...Certificate[]];
  readonly key: KeyObject;
}

export interface IdentityFiles {
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly p12?: string | undefined;
}

/**
 * Loads the user's certificate and key from the places that Globus uses: X509_USER_CERT and X509_USER_KEY,
 * ~/.globus/usercert.pem and userkey.pem, ~/.globus/usercred.p12.
 * @throws AuthError if something is missing, if others can read the key, or if its passphrase is wrong; CertificateError
 */
export async function loadIdentity(
  files: IdentityFiles,
  passphrases: Passphrases,
  env: NodeJS.ProcessEnv = process.env,
): Promise<Identity> {
  const globus = join(env.HOME ?? homedir(), '.globus');
  const usual = {
    cert: join(globus, 'usercert.pem'),
    key: join(globus, 'userkey.pem'),
    p12: join(globus, 'usercred.p12'),
  };
  if (files.p12 !== undefined) return fromPkcs12(files.p12, passphrases);
  const cert = files.cert ?? (env.X509_USER_CERT || undefined);
  if (cert === undefined && !existsSync(usual.cert) && existsSync(usual.p12)) return fromPkcs12(usual.p12, passphrases);
  const certificates = certificatesIn(cert ?? usual.cert, cert === undefined ? [usual.cert, usual.p12] : [cert]);
  const keyFile = files.key ?? keyBeside(cert ?? usual.cert) ?? (env.X509_USER_KEY || usual.key);
  return identityOf(certificates, await privateKey(keyFile, passphrases), keyFile);
}

function certificatesIn(file: string, places: readonly string[]): Certificate[] {
  let text: string;
  try {
    text = readFileSync(file, 'latin1');
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw new AuthError(missing ? `there is no certificate ${places.join(' or ')}` : messageOf(error), {
      hint: 'name your files: --cert FILE --key FILE, or --p12 FILE',
    });
  }
  const found = pemBlocks(text).filter(b => b.label === 'CERTIFICATE' || b.label === 'X509 CERTIFICATE');
  if (found.length > 0) return found.map(block => new Certificate(derOf(block, file)));
  throw new CertificateError('malformed', `${file} contains no certificate (PEM, "BEGIN CERTIFICATE")`, {
    hint: 'for what a browser exported (.p12, .pfx): --p12 FILE',
  });
}

const keysIn = (text: string): PemBlock[] => pemBlocks(text).filter(b => b.label.endsWith('PRIVATE KEY'));

/** The certificate's own file, if it also contains the key, as a proxy does. */
const keyBeside = (cert: string): string | undefined =>
  keysIn(readFileSync(cert, 'latin1')).length > 0 ? cert : undefined;

async function privateKey(file: string, passphrases: Passphrases): Promise<KeyObject> {
  const content = readSecret(file, 'the key');
  if (content === undefined) throw new AuthError(`there is no key ${file}`, { hint: 'name your key: --key FILE' });
  const [pem] = keysIn(content.toString('latin1'));
  const broken = new CertificateError('malformed', `${file} contains no key that can be read (PEM, "PRIVATE KEY")`, {
    hint: `openssl pkey -noout -in ${quote(file)}`,
  });
  if (pem === undefined) throw broken;
  const open = (passphrase?: string): KeyObject | undefined => {
    try {
      return createPrivateKey(passphrase === undefined ? pem.text : { key: pem.text, passphrase });
    } catch {
      return undefined;
    }
  };
  if (pem.encrypted) return unlock(file, passphrases, open, `openssl pkey -noout -in ${quote(file)}`);
  const key = open();
  if (key === undefined) throw broken;
  return key;
}

async function fromPkcs12(file: string, passphrases: Passphrases): Promise<Identity> {
  const content = readSecret(file, 'the certificate with key');
  if (content === undefined) throw new AuthError(`there is no ${file}`, { hint: 'name your file: --p12 FILE' });
  const { certificates, key } = await openPkcs12(content, file, passphrases);
  return identityOf(
    certificates.map(der => new Certificate(der)),
    key,
    file,
  );
}

/** The key's certificate and its chain, in order; roots are left out, because whoever trusts them has them. */
function identityOf(all: readonly Certificate[], key: KeyObject, keyFile: string): Identity {
  const first = all.find(certificate => certificate.x509.checkPrivateKey(key));
  if (first === undefined) {
    throw new CertificateError(
      'wrong-key',
      `the key ${keyFile} is not the key of ${all[0]?.name ?? 'any certificate'}`,
      {
        hint: 'name the two that belong together: --cert FILE --key FILE',
      },
    );
  }
  const chain: [Certificate, ...Certificate[]] = [first];
  for (let last = first; chain.length <= all.length; ) {
    const next = all.find(c => !chain.includes(c) && !c.selfIssued && c.subject.equals(last.issuer));
    if (next === undefined) break;
    chain.push(next);
    last = next;
  }
  return { certificates: chain, key };
}
