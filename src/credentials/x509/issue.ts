import { createPublicKey, type KeyObject, randomInt, sign } from 'node:crypto';
import type { Certificate, ProxyType } from './certificate.js';
import {
  bitString,
  bytesOf,
  context,
  encode,
  integer,
  isTrue,
  octetString,
  oid,
  oidOf,
  printable,
  readDer,
  sequence,
  set,
  tags,
  time,
} from './der.js';
import { oids } from './oids.js';
import { CertificateError } from './problem.js';
import { isSignature } from './signature.js';

/**
 * Proxies are valid from a little before they are made, because the clock of the machine that checks them may be late.
 */
export const clockAllowance = 300_000;

export interface ProxyRequest {
  /** It ends at the latest when its issuer ends. */
  readonly end: Date;
  /** Without the right to log in and to start jobs. */
  readonly limited?: boolean;
  /** How many further proxies may be made from it, each from the one before. */
  readonly pathLength?: number | undefined;
  /** DER of attribute certificates, for services that use VOMS. */
  readonly attributes?: readonly Buffer[];
}

/**
 * Makes a proxy certificate (RFC 3820) for a public key.
 * @returns its DER
 * @throws CertificateError if the issuer can't have proxies: it is a CA, a proxy of an old kind, or has reached its path
 * length
 */
export function issueProxy(
  issuer: { readonly certificate: Certificate; readonly key: KeyObject },
  publicKey: KeyObject,
  request: ProxyRequest,
  now = new Date(),
): Buffer {
  const { certificate, key } = issuer;
  assertMayIssue(certificate);
  const limited = request.limited === true || certificate.proxy?.policy === 'limited';
  // the serial number is also the proxy's name, as in Globus, so it must fit a positive 32-bit integer
  const serial = randomInt(1, 2 ** 31);
  const end = new Date(Math.min(request.end.getTime(), certificate.notAfter.getTime()));
  const start = new Date(Math.max(now.getTime() - clockAllowance, certificate.notBefore.getTime()));
  const own = set(sequence(oid(oids.commonName), printable(String(serial))));
  const algorithm = signatureAlgorithm(key);
  const tbs = sequence(
    encode(context(0), integer(2)),
    integer(serial),
    algorithm,
    certificate.subject,
    sequence(time(start), time(end)),
    sequence(readDer(certificate.subject, 'the subject').all, own),
    publicKey.export({ type: 'spki', format: 'der' }),
    encode(context(3), sequence(...extensions(limited, request))),
  );
  return sequence(tbs, algorithm, bitString(sign('sha256', tbs, key)));
}

function extensions(limited: boolean, { pathLength, attributes = [] }: ProxyRequest): Buffer[] {
  const policy = sequence(oid(limited ? oids.limited : oids.impersonation));
  const info = sequence(...(pathLength === undefined ? [] : [integer(pathLength)]), policy);
  // digitalSignature and keyEncipherment
  const usage = encode(tags.bitString, Buffer.of(5, 0xa0));
  const extension = (id: string, value: Buffer, ...critical: Buffer[]) =>
    sequence(oid(id), ...critical, octetString(value));
  return [
    ...(attributes.length > 0 ? [extension(oids.vomsAttributes, sequence(sequence(...attributes)))] : []),
    extension(oids.keyUsage, usage, isTrue),
    extension(oids.proxyCertInfo, info, isTrue),
  ];
}

function assertMayIssue(issuer: Certificate): void {
  const { proxy, name } = issuer;
  const refuse = (reason: 'proxy-kind' | 'pathlen' | 'usage' | 'not-a-ca', why: string): never => {
    throw new CertificateError(reason, `no proxy can be made from ${name}: ${why}`, {
      hint: 'make it from your own certificate: scailfin proxy init',
    });
  };
  if (issuer.authority) refuse('usage', 'it is the certificate of a CA');
  if (!issuer.mayBeUsedFor('signatures')) refuse('usage', 'its key is not for signatures');
  if (proxy && proxy.form !== 'rfc') refuse('proxy-kind', `it is a proxy of the ${oldForms[proxy.form]}`);
  if (proxy?.pathLength === 0) refuse('pathlen', 'it is a proxy from which no further one may be made');
}

const oldForms: Record<Exclude<ProxyType['form'], 'rfc'>, string> = {
  draft: 'kind before RFC 3820 (Globus 3)',
  legacy: 'kind before RFC 3820 (Globus 2)',
};

function signatureAlgorithm(key: KeyObject): Buffer {
  if (key.asymmetricKeyType === 'rsa') return sequence(oid(oids.rsaSha256), encode(tags.null));
  if (key.asymmetricKeyType === 'ec') return sequence(oid(oids.ecdsaSha256));
  throw new CertificateError('unsupported', `no proxy can be made with a key of type ${key.asymmetricKeyType}`, {
    hint: 'grid software accepts RSA and ECDSA keys',
  });
}

/** A request for a certificate over our key (PKCS#10, RFC 2986). Its subject is ignored: the issuer sets it. */
export function certificateRequest(publicKey: KeyObject, key: KeyObject): Buffer {
  const subject = sequence(set(sequence(oid(oids.commonName), printable('proxy'))));
  const info = sequence(integer(0), subject, publicKey.export({ type: 'spki', format: 'der' }), encode(context(0)));
  return sequence(info, signatureAlgorithm(key), bitString(sign('sha256', info, key)));
}

/**
 * The public key in a request for a certificate.
 * @throws CertificateError `malformed`, or `bad-signature` if it was not signed with the private key
 */
export function keyOfRequest(der: Buffer): KeyObject {
  const what = 'the request for a proxy';
  const request = readDer(der, what);
  const info = request.next(tags.sequence);
  const algorithm = oidOf(request.enter().next(tags.oid), what);
  const signature = bytesOf(request.next(tags.bitString), what);
  request.end();
  const inside = readDer(info.raw, what);
  inside.next(tags.integer);
  inside.next(tags.sequence);
  const { raw } = inside.next(tags.sequence);
  let key: KeyObject;
  try {
    key = createPublicKey({ key: raw, format: 'der', type: 'spki' });
  } catch (cause) {
    throw new CertificateError('malformed', `${what} has a key that can't be read`, { cause });
  }
  if (!isSignature(algorithm, info.raw, key, signature)) {
    throw new CertificateError('bad-signature', `${what} is not signed by the key in it`);
  }
  return key;
}
