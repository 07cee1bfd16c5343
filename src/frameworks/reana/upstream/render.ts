import { CHART } from '../../../headnode/reana/chart.js';
import { imageSources, imageTag } from '../../../headnode/reana/image.js';
import { namespaceOf, type ReanaPlan } from '../../../headnode/reana/reana-plan.js';
import { newSecrets, type ReanaSecrets } from '../../../headnode/reana/reana-secrets.js';
import { valuesFile, valuesFor } from '../../../headnode/reana/values.js';
import { type Folder, type Leaving, script, scriptNames } from '../../../leaving.js';
import { render } from '../../../templates.js';
import type { Rendered } from '../../service.js';
import type { ReanaSpec } from '../spec.js';
import { ownScripts } from './scripts.js';

/** All files that install CERN's REANA on a Kubernetes, and a Kubernetes on the headnode if it has none. */
export async function renderUpstream(cluster: string, dir: string, spec: ReanaSpec): Promise<Rendered> {
  return {
    configuration: [],
    scripts: scriptNames('headnode').filter(name => ownScripts.test(name)),
    more: kubernetesFiles(spec),
    folders: [reanaFolder(cluster, `${dir}/reana`, spec)],
    note: '',
  };
}

/** The files that make the Kubernetes, or find it. */
function kubernetesFiles({ kubernetes: { kind } }: ReanaSpec): Leaving[] {
  const scripts = scriptNames(`headnode/${kind}`).map(name => script(`headnode/${kind}/${name}`, `${kind}/${name}`));
  if (kind === 'context') return scripts;
  const direct = render('headnode/minikube/direct', { program: '/@KUBECTL@' });
  return [
    ...scripts,
    {
      name: 'minikube/bin/kubectl',
      mode: 0o700,
      content: direct,
      what: 'kubectl without any proxy; the same for helm',
    },
  ];
}

/** The files that helm installs. */
function reanaFolder(cluster: string, dir: string, spec: ReanaSpec): Folder {
  const plan = planFor(cluster, spec);
  const image = plan.image ?? imageTag();
  const values = valuesFor(plan, { cluster, image, secrets: hidden(), node: undefined });
  const { from, sha256 } = plan.chart;
  return {
    name: 'reana',
    goes:
      `goes to the headnode, below ${dir}; helm installs ${from}${sha256 ? ` (sha256 ${sha256})` : ''} by it, ` +
      `into the namespace ${namespaceOf(cluster)}`,
    files: [
      {
        ...{ name: 'values.yaml', content: valuesFile(values), mode: 0o600 },
        what: "values that override the chart's; secrets are made on the headnode",
      },
      ...(plan.image === undefined ? imageFiles() : []),
    ],
  };
}

/** The plan, with placeholders for what is found only on the headnode. */
function planFor(cluster: string, { kubernetes, chart, image, values, email }: ReanaSpec): ReanaPlan {
  const programs = { kubectl: '/@KUBECTL@', helm: '/@HELM@', kubeconfig: '/@KUBECONFIG@' };
  const port = 30_443;
  const own = kubernetes.kind === 'minikube' ? { own: { build: [], nodePort: port } } : {};
  return {
    kubernetes: { ...programs, context: '@CONTEXT@', port, ...own },
    chart: chart === undefined ? CHART : { from: chart.from, sha256: chart.sha256 },
    image,
    pool: { collector: '@HEADNODE-ADDRESS@:@PORT@', schedd: cluster, token: '@TOKEN@' },
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
    const what = docstring ?? "a part of the job controller's image, which is built on the headnode";
    return { name: `image/${file.path}`, content, mode: 0o644, what };
  });
}
