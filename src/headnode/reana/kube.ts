import { CommandError, ScailfinError } from '../../errors.js';
import type { Host, Output, RunOptions } from '../../hosts/host.js';
import type { Headnode } from '../component.js';
import type { Kubernetes } from '../kubernetes.js';
import { namespaceOf, reanaDir, releaseOf } from './reana-plan.js';

/** kubectl and helm on the headnode, for one cluster's namespace. Their caches stay in the cluster's directory. */
export class Kube {
  readonly namespace: string;
  readonly release: string;
  private readonly cache: string;

  constructor(
    private readonly host: Host,
    readonly at: Kubernetes,
    head: Headnode,
  ) {
    this.namespace = namespaceOf(head.cluster);
    this.release = releaseOf(head.cluster);
    this.cache = `${reanaDir(head)}/cache`;
  }

  get hostName(): string {
    return this.host.name;
  }

  /** @throws CommandError */
  kubectl(args: readonly string[], options: RunOptions = {}): Promise<Output> {
    return this.host.run([...this.kubectlArgv(), ...args], options);
  }

  /** The words before a kubectl command, with our namespace. */
  kubectlArgv(): readonly string[] {
    const { kubectl, kubeconfig, context } = this.at;
    const where = ['--kubeconfig', kubeconfig, '--context', context, '--namespace', this.namespace];
    return [kubectl, ...where, '--cache-dir', `${this.cache}/kubectl`];
  }

  /** @throws CommandError */
  helm(args: readonly string[], options: RunOptions = {}): Promise<Output> {
    const { helm, kubeconfig, context } = this.at;
    const homes = ['CACHE', 'CONFIG', 'DATA'].map(home => `HELM_${home}_HOME=${this.cache}/helm`);
    const where = ['--kubeconfig', kubeconfig, '--kube-context', context, '--namespace', this.namespace];
    return this.host.run(['env', ...homes, helm, ...where, ...args], options);
  }

  /** The objects that `kubectl get … -o json` lists. @throws CommandError */
  async list<T>(args: readonly string[]): Promise<readonly T[]> {
    const out = await this.kubectl(['get', ...args, '--output', 'json']);
    return (JSON.parse(out.stdout) as { items: T[] }).items;
  }

  /** One object; undefined if it does not exist. @throws CommandError */
  async one<T>(kind: string, name: string): Promise<T | undefined> {
    const out = await this.kubectl(['get', kind, name, '--ignore-not-found', '--output', 'json']);
    return out.stdout.trim() === '' ? undefined : (JSON.parse(out.stdout) as T);
  }

  /** Makes an object, or changes it to what it should be. It goes through stdin, because it may contain secrets. */
  async apply(object: Readonly<Record<string, unknown>>): Promise<void> {
    // applied by the server, because kubectl's own way keeps a second copy of the object in an annotation
    const args = ['apply', '--server-side', '--force-conflicts', '--field-manager', 'scailfin', '--filename', '-'];
    await this.kubectl(args, { stdin: JSON.stringify(object) });
  }
}

/** The data by which `stop` and `remove` find REANA, written before the first request to Kubernetes. */
export interface Note {
  readonly kubernetes: Kubernetes;
  /** The one node to which all of REANA is bound, if there are several. */
  readonly node: string | undefined;
  /** Whether a node keeps REANA's data. */
  readonly onNode: boolean;
  /** An image that is on that node, recorded once a part of REANA has run there and stored something. */
  readonly stored?: string | undefined;
}

const noteOf = (head: Headnode): string => `${reanaDir(head)}/kubernetes.json`;

export async function writeNote(head: Headnode, note: Note): Promise<void> {
  await head.host.put([{ path: noteOf(head), content: `${JSON.stringify(note)}\n`, mode: 0o600 }]);
}

/** Undefined if REANA was never installed in a Kubernetes. */
export async function readNote(head: Headnode): Promise<Note | undefined> {
  const out = await head.host.run(['sh', '-c', '[ ! -e "$1" ] || cat "$1"', 'sh', noteOf(head)]);
  return out.stdout === '' ? undefined : (JSON.parse(out.stdout) as Note);
}

/** The last error of kubectl or helm, without its prefixes. */
export function wordsOf(error: unknown): string {
  if (!(error instanceof CommandError)) return error instanceof Error ? error.message : String(error);
  const line = error.stderr.trim().split('\n').pop()?.trim() ?? '';
  return line.replace(/^(?:Error|error|Error from server \(\w+\)): |^\* /, '') || error.message;
}

/** @throws ScailfinError that names what was attempted, with kubectl's own error */
export function failed(what: string, error: unknown, hint?: string): never {
  if (!(error instanceof CommandError)) throw error;
  throw new ScailfinError(`${what} on ${error.host}: ${wordsOf(error)}`, { hint, cause: error });
}
