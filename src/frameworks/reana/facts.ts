import type { Fields } from '../../fields.js';
import type { FrameworkFacts, OwnFacts } from '../facts.js';

/** REANA on the headnode, as found when it was started. */
export interface ReanaFacts extends OwnFacts {
  /** scailfin's own server beside the pool, or CERN's on Kubernetes. */
  readonly flavour: 'edge' | 'upstream';
  readonly scheme: 'http' | 'https';
  /** The e-mail address with which upstream's administrator signs in to its page. */
  readonly email?: string;
  /** For https: REANA's self-signed certificate; SHA-256, in hexadecimal pairs with colons. */
  readonly certificate?: string;
}

export const reanaFields: Fields = { flavour: 'string', scheme: 'string', port: 'number' };

/** In the cluster's directory on this machine: the token, and the password for upstream's page. */
export const secretFiles = ['reana.token', 'reana.password'] as const;

/** Whether a cluster's framework is REANA. */
export const isReana = (facts: FrameworkFacts): facts is FrameworkFacts & ReanaFacts => facts.name === 'reana';
