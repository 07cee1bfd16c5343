import { isIP } from 'node:net';
import type { Certificate } from './certificate.js';
import { titleOf } from './checks.js';
import { commonName, comparable } from './name.js';
import { oids } from './oids.js';
import { CertificateError } from './problem.js';
import type { Trust } from './trust.js';
import { type VerifiedChain, verifyChain } from './verify.js';

/** The server that is meant. */
export interface Peer {
  readonly host: string;
  /** The service names that may come before the host in a grid certificate: `host/login.site.org`. */
  readonly services: readonly string[];
  /** The only name to accept, on one line, whatever the host is. */
  readonly identity?: string | undefined;
}

/**
 * Verifies the chain that a server shows, and that the server is the one that is meant.
 * @param chain DER, the server's certificate first
 * @throws CertificateError; `wrong-name` if the certificate belongs to another server
 */
export function verifyPeer(chain: readonly Buffer[], peer: Peer, trust: Trust, when = new Date()): VerifiedChain {
  const verified = verifyChain(chain, trust, when);
  const { holder, identity } = verified;
  if (verified.limited) throw new CertificateError('limited', `${peer.host} shows a limited proxy of ${identity}`);
  const { purposes } = holder;
  if (purposes && ![oids.serverAuth, oids.anyUsage].some(p => purposes.includes(p)))
    throw new CertificateError('usage', `${titleOf(holder)}, which ${peer.host} shows, is not for servers`);
  const right =
    peer.identity === undefined ? isNamed(holder, peer) : comparable(peer.identity) === comparable(identity);
  if (right) return verified;
  const wanted = peer.identity ?? peer.host;
  throw new CertificateError(
    'wrong-name',
    `${peer.host} shows a certificate of ${describe(holder)}, not of ${wanted}`,
    {
      hint: 'somebody may be between you and the host: check its name, or ask its administrator which name to expect',
    },
  );
}

/** As RFC 2818, 3.1: the names in the extension count; the common name counts only without that extension. */
function isNamed(holder: Certificate, { host, services }: Peer): boolean {
  if (isIP(host) !== 0) return holder.x509.checkIP(host) !== undefined;
  if (holder.x509.checkHost(host, { subject: 'never' }) !== undefined) return true;
  if (/(^|, )DNS:/.test(holder.x509.subjectAltName ?? '')) return false;
  const wanted = [host, ...services.map(service => `${service}/${host}`)].map(name => name.toLowerCase());
  return wanted.includes(commonName(holder.subject)?.toLowerCase() ?? '');
}

const describe = ({ name, x509 }: Certificate): string =>
  x509.subjectAltName === undefined ? name : `${name} (${x509.subjectAltName})`;
