import type { Fields } from '../../fields.js';
import type { FrameworkFacts, OwnFacts } from '../facts.js';

/** REANA on the headnode, found out when it was started. */
export interface ReanaFacts extends OwnFacts {
  /** scailfin's own server beside the pool, or CERN's on Kubernetes. */
  readonly flavour: 'edge' | 'upstream';
  readonly scheme: 'http' | 'https';
  /** Upstream's administrator, who signs in to its page. */
  readonly email?: string;
  /** With https: the one that REANA made for itself; SHA-256, in hexadecimal pairs with colons. */
  readonly certificate?: string;
}

export const reanaFields: Fields = { flavour: 'string', scheme: 'string', port: 'number' };

/** In the cluster's folder on this machine: the token, and the password of upstream's page. */
export const secretFiles = ['reana.token', 'reana.password'] as const;

/** Whether a cluster's framework is REANA. */
export const isReana = (facts: FrameworkFacts): facts is FrameworkFacts & ReanaFacts => facts.name === 'reana';
