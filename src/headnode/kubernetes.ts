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
}
