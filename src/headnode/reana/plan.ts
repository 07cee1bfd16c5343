import { createHash } from 'node:crypto';
import type { Headnode } from '../component.js';
import type { Kubernetes } from '../kubernetes.js';

/** What is asked of an upstream REANA. */
export interface ReanaPlan {
  readonly kubernetes: Kubernetes;
  readonly chart: ChartSource;
  /** The job controller's image in a registry; undefined: built in the cluster's own Kubernetes. */
  readonly image: string | undefined;
  readonly pool: PoolAccess;
  /** Who signs in to REANA's page as its administrator. */
  readonly email: string;
  /** The user's own Helm values, laid over ours: storage, node labels, … */
  readonly values?: Readonly<Record<string, unknown>>;
  /** How long all of REANA may take to come up, images included; milliseconds. */
  readonly timeoutMs: number;
}

/** A packed chart: a URL, or an absolute path on the headnode. */
export interface ChartSource {
  readonly from: string;
  /** Of the file; a URL must have one. */
  readonly sha256: string | undefined;
}

/** How REANA's job controllers, which run in Kubernetes, reach the pool outside of it. */
export interface PoolAccess {
  /** `ADDRESS:PORT` of the collector, as pods reach it. */
  readonly collector: string;
  /** The schedd's name there. */
  readonly schedd: string;
  /** An IDTOKEN that may submit. Secret. */
  readonly token: string;
}

/** An upstream REANA that answers. */
export interface ReanaRunning {
  /** Of the headnode's loopback address; HTTPS, with a certificate that it signed itself. */
  readonly port: number;
  readonly email: string;
  /** The administrator's, for clients. Secret. */
  readonly token: string;
  /** The administrator's, for the page. Secret. */
  readonly password: string;
}

/** Where on the headnode REANA's files are. */
export const reanaDir = (at: Headnode): string => `${at.dir}/reana`;

/** The namespace that is the cluster's, and nobody else's. */
export const namespaceOf = (cluster: string): string => `scailfin-${cluster}`;

/**
 * The Helm release's name, in front of each of its objects' names. The chart cuts it at 13 characters, and some objects
 * belong to no namespace: two clusters on one Kubernetes must not share it.
 */
export function releaseOf(cluster: string): string {
  return `reana-${createHash('sha256').update(cluster).digest('hex').slice(0, 6)}`;
}

/** Where a node keeps what REANA stores: the chart's own place, which its job controllers take for granted. */
export const STORAGE = '/var/reana';
