import { CHART } from '../../headnode/reana/chart.js';
import { imageSources, imageTag } from '../../headnode/reana/image.js';
import { namespaceOf, type ReanaPlan } from '../../headnode/reana/plan.js';
import { newSecrets, type ReanaSecrets } from '../../headnode/reana/secrets.js';
import { valuesFile, valuesFor } from '../../headnode/reana/values.js';
import { defaultWork } from '../../hosts/probe.js';
import { poolDir } from '../context.js';
import type { ReanaSpec } from '../reanaspec.js';
import type { ClusterSpec } from '../spec.js';
import { type Folder, type Leaving, placeholders } from './folder.js';

/** What brings CERN's REANA to a Kubernetes. */
export function reanaFolder(cluster: ClusterSpec, spec: ReanaSpec): Folder {
  const plan = planFor(cluster, spec);
  const image = plan.image ?? imageTag();
  const values = valuesFor(plan, { cluster: cluster.name, image, secrets: hidden(), node: undefined });
  const { from, sha256 } = plan.chart;
  const dir = `${poolDir(placeholders(defaultWork), cluster.name)}/reana`;
  return {
    name: 'reana',
    goes:
      `goes to the headnode, below ${dir}; helm installs ${from}${sha256 ? ` (sha256 ${sha256})` : ''} by it, ` +
      `into the namespace ${namespaceOf(cluster.name)}`,
    files: [
      {
        ...{ name: 'values.yaml', content: valuesFile(values), mode: 0o600 },
        what: "values over the chart's; what is secret is made on the headnode",
      },
      ...(plan.image === undefined ? imageFiles() : []),
    ],
  };
}

/** With words for what is only found out on the headnode. */
function planFor({ name }: ClusterSpec, { kubernetes, chart, image, values, email }: ReanaSpec): ReanaPlan {
  const programs = { kubectl: '/@KUBECTL@', helm: '/@HELM@', kubeconfig: '/@KUBECONFIG@' };
  const port = 30_443;
  const own = kubernetes.kind === 'minikube' ? { own: { build: [], nodePort: port } } : {};
  return {
    kubernetes: { ...programs, context: '@CONTEXT@', port, ...own },
    chart: chart === undefined ? CHART : { from: chart.from, sha256: chart.sha256 },
    image,
    pool: { collector: '@HEADNODE-ADDRESS@:@PORT@', schedd: name, token: '@TOKEN@' },
    email: email ?? '@EMAIL@',
    ...(values === undefined ? {} : { values }),
    timeoutMs: 0,
  };
}

function hidden(): ReanaSecrets {
  const names = Object.keys(newSecrets());
  return Object.fromEntries(names.map(name => [name, `@${name}@`])) as unknown as ReanaSecrets;
}

function imageFiles(): Leaving[] {
  return imageSources().map(file => {
    const content = file.content.toString();
    const docstring = /^"""([^".:\n]+)/.exec(content)?.[1];
    const what = docstring ?? "a part of the job controller's image, which is built there";
    return { name: `image/${file.path}`, content, mode: 0o644, what };
  });
}
