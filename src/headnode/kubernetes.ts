/** A Kubernetes that runs and can be talked to from the headnode. What is installed on it need not know whose it is. */
export interface Kubernetes {
  /** Absolute path of the program on the headnode. */
  readonly kubectl: string;
  /** Absolute path of the program on the headnode. */
  readonly helm: string;
  /** Absolute path on the headnode. */
  readonly kubeconfig: string;
  readonly context: string;
  /** Port of the headnode's loopback address that leads to REANA. */
  readonly port: number;
  /** Set where all of it is the cluster's own: what lies on its nodes goes with it. */
  readonly own?: OwnKubernetes;
}

export interface OwnKubernetes {
  /** `… image build`, to which `-t TAG FOLDER` is added: the image is then on its nodes, without a registry. */
  readonly build: readonly string[];
  /** The node port that `port` leads to. */
  readonly nodePort: number;
}
