/** A Kubernetes that runs and can be reached from the headnode. What is installed in it need not know whose it is. */
export interface Kubernetes {
  /** Absolute path of the program on the headnode. */
  readonly kubectl: string;
  /** Absolute path of the program on the headnode. */
  readonly helm: string;
  /** Absolute path on the headnode. */
  readonly kubeconfig: string;
  readonly context: string;
  /** Port of the headnode's loopback address that is forwarded to REANA. */
  readonly port: number;
  /** Set if the Kubernetes belongs to the cluster: everything on its nodes is removed with it. */
  readonly own?: OwnKubernetes;
}

export interface OwnKubernetes {
  /** `… image build`; with `-t TAG FOLDER` appended it puts an image on the nodes, without a registry. */
  readonly build: readonly string[];
  /** The node port to which `port` is forwarded. */
  readonly nodePort: number;
}
