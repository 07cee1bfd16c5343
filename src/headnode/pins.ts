import type { ToolName } from '../sites/values.js';

/** A release of a program by its publisher, the same for everybody. */
export interface Pin {
  readonly version: string;
  /** Whether a program of this version, `v1.2.3`, that is already on the headnode can be used instead. */
  readonly fits: (version: string) => boolean;
  readonly of: Readonly<Record<Architecture, { readonly url: string; readonly sha256: string }>>;
}

export type Architecture = 'amd64' | 'arm64';

/** uname(1)'s names of machines, and the publishers' names for them. */
export const architectures: Readonly<Record<string, Architecture>> = { x86_64: 'amd64', aarch64: 'arm64' };

/**
 * The Kubernetes that minikube starts: the newest minor version that REANA's maintainers report to have tried with the
 * 0.9 chart (reanahub/reana 7da51d3), and one that minikube 1.38 supports.
 */
export const KUBERNETES = 'v1.31.14';

/**
 * The digests are the publishers' own, and each was found in a second, independent place: minikube's in
 * deploy/minikube/releases-v2.json of kubernetes/minikube and its release notes; kubectl's and helm's in kubespray's
 * checksums.yml, and in helm's release notes.
 */
export const pins: Readonly<Record<ToolName, Pin>> = {
  minikube: {
    version: 'v1.38.1',
    // the oldest version that knows our options; newer ones may no longer support our Kubernetes
    fits: between('v1.35.0', 'v1.38.99'),
    of: {
      amd64: {
        url: 'https://github.com/kubernetes/minikube/releases/download/v1.38.1/minikube-linux-amd64',
        sha256: '099477eaf248bcb5bcea8ce78a2898e93ac01461c35189da1848c3de82ecd22e',
      },
      arm64: {
        url: 'https://github.com/kubernetes/minikube/releases/download/v1.38.1/minikube-linux-arm64',
        sha256: 'a0b8a1ebfc8c07a247271d8df98ac0ddd7c8c855b601d402463e2e50c08c6bab',
      },
    },
  },
  kubectl: {
    version: 'v1.31.9',
    // one minor version older or newer than the server (kubernetes.io, version skew policy)
    fits: between('v1.30.0', 'v1.32.99'),
    of: {
      amd64: {
        url: 'https://dl.k8s.io/release/v1.31.9/bin/linux/amd64/kubectl',
        sha256: '720d31a15368ad56993c127a7d4fa2688a8520029c2e6be86b1a877ad6f92624',
      },
      arm64: {
        url: 'https://dl.k8s.io/release/v1.31.9/bin/linux/arm64/kubectl',
        sha256: '1e6de599df408824f13602d73333c08c3528cfa5d6c8c98c633868a966882129',
      },
    },
  },
  helm: {
    version: 'v3.18.4',
    // helm 4 has other options for waiting
    fits: between('v3.12.0', 'v3.99.99'),
    of: {
      amd64: {
        url: 'https://get.helm.sh/helm-v3.18.4-linux-amd64.tar.gz',
        sha256: 'f8180838c23d7c7d797b208861fecb591d9ce1690d8704ed1e4cb8e2add966c1',
      },
      arm64: {
        url: 'https://get.helm.sh/helm-v3.18.4-linux-arm64.tar.gz',
        sha256: 'c0a45e67eef0c7416a8a8c9e9d5d2d30d70e4f4d3f7bea5de28241fffa8f3b89',
      },
    },
  },
};

function between(least: string, most: string): (version: string) => boolean {
  const order = new Intl.Collator('en', { numeric: true });
  return version => order.compare(version, least) >= 0 && order.compare(version, most) <= 0;
}
