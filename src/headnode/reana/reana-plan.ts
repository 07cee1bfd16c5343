import { createHash } from 'node:crypto';
import type { Headnode } from '../component.js';
import type { Kubernetes } from '../kubernetes.js';

/** The settings of an upstream REANA. */
export interface ReanaPlan {
  readonly kubernetes: Kubernetes;
  readonly chart: ChartSource;
  /** The job controller's image in a registry; undefined: it is built in the cluster's own Kubernetes. */
  readonly image: string | undefined;
  readonly pool: PoolAccess;
  /** The e-mail address with which the administrator signs in to REANA's page. */
  readonly email: string;
  /** The user's own Helm values, which take precedence over ours: storage, node labels, … */
  readonly values?: Readonly<Record<string, unknown>>;
  /** How long all of REANA may take to come up, including fetching images; milliseconds. */
  readonly timeoutMs: number;
}

/** A packed chart: a URL, or an absolute path on the headnode. */
export interface ChartSource {
  readonly from: string;
  /** The digest of the file; a URL must have one. */
  readonly sha256: string | undefined;
}

/** How REANA's job controllers, which run in Kubernetes, reach the pool outside of it. */
export interface PoolAccess {
  /** `ADDRESS:PORT` of the collector, as seen from pods. */
  readonly collector: string;
  /** The schedd's name. */
  readonly schedd: string;
  /** An IDTOKEN with the right to submit. Secret. */
  readonly token: string;
}

/** An upstream REANA that answers. */
export interface ReanaRunning {
  /** A port of the headnode's loopback address; it speaks HTTPS with a self-signed certificate. */
  readonly port: number;
  readonly email: string;
  /** The administrator's token, for clients. Secret. */
  readonly token: string;
  /** The administrator's password, for the page. Secret. */
  readonly password: string;
}

/** The directory of REANA's files on the headnode. */
export const reanaDir = (at: Headnode): string => `${at.dir}/reana`;

/** The namespace that only this cluster uses. */
export const namespaceOf = (cluster: string): string => `scailfin-${cluster}`;

/**
 * The Helm release's name, with which the names of its objects begin. The chart cuts it after 13 characters, and some
 * objects are outside namespaces: two clusters on one Kubernetes must not have the same name.
 */
export function releaseOf(cluster: string): string {
  return `reana-${createHash('sha256').update(cluster).digest('hex').slice(0, 6)}`;
}

/** Where a node keeps REANA's data: the chart's default, which its job controllers rely on. */
export const STORAGE = '/var/reana';
