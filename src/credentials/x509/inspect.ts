import { secondsLeft } from '../credential.js';
import { attributeCertificates, readAttributes, type VomsAttributes } from './attributes.js';
import type { Certificate } from './certificate.js';
import { oneLine } from './name.js';
import { CertificateError } from './problem.js';
import type { GridProxy } from './proxy.js';
import { loadTrust } from './trust.js';
import { verifyChain } from './verify.js';

/** The facts about a proxy. */
export interface ProxyReport {
  readonly subject: string;
  readonly issuer: string;
  readonly identity: string;
  /** In the words of Globus. */
  readonly type: string;
  readonly limited: boolean;
  readonly strength: string;
  readonly path: string;
  readonly start: Date;
  readonly end: Date;
  readonly secondsLeft: number;
  /** Whether its chain leads to a trusted CA, and why not. */
  readonly trust:
    | { readonly verified: true; readonly root: string }
    | { readonly verified: false; readonly why: string };
  readonly voms: readonly Omit<VomsAttributes, 'holder'>[];
}

export function inspectProxy(proxy: GridProxy, now = new Date(), caDir?: string): ProxyReport {
  const [first] = proxy.certificates;
  return {
    subject: first.name,
    issuer: oneLine(first.issuer),
    identity: proxy.identity,
    type: typeOf(first),
    limited: proxy.limited,
    strength: strengthOf(first),
    path: proxy.file,
    start: first.notBefore,
    end: proxy.end,
    secondsLeft: secondsLeft(proxy, now),
    trust: trustIn(proxy, now, caDir),
    voms: attributesOf(proxy).map(({ holder: _, ...attributes }) => attributes),
  };
}

/** The type in the words of grid-proxy-info. */
function typeOf({ proxy }: Certificate): string {
  if (!proxy) return 'end entity credential';
  if (proxy.form === 'legacy') return `${proxy.policy === 'limited' ? 'limited' : 'full'} legacy globus proxy`;
  return `${proxy.form === 'rfc' ? 'RFC 3820' : 'Proxy draft (pre-RFC)'} compliant ${proxy.policy} proxy`;
}

function strengthOf({ publicKey }: Certificate): string {
  const { asymmetricKeyType = 'unknown', asymmetricKeyDetails: details = {} } = publicKey;
  const size = details.modulusLength === undefined ? details.namedCurve : `${details.modulusLength} bits`;
  return [size, asymmetricKeyType.toUpperCase()].filter(Boolean).join(' ');
}

/**
 * The attributes of the first certificate that has any, starting with the proxy: a proxy made from it has the same
 * rights.
 */
function attributesOf({ certificates }: GridProxy): VomsAttributes[] {
  const found = certificates.map(attributeCertificates).find(acs => acs.length > 0) ?? [];
  return found.map(readAttributes);
}

function trustIn({ chain }: GridProxy, now: Date, caDir?: string): ProxyReport['trust'] {
  try {
    const { path } = verifyChain(chain, loadTrust(caDir), now);
    return { verified: true, root: (path.at(-1) as Certificate).name };
  } catch (error) {
    if (error instanceof CertificateError) return { verified: false, why: error.message };
    throw error;
  }
}
