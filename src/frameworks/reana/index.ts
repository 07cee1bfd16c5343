import type { Framework } from '../framework.js';
import { type ReanaFacts, reanaFields, secretFiles } from './facts.js';
import { describeReana, planReana, type ReanaSpec, reanaDiffers } from './spec.js';

/** REANA: reproducible analyses, as workflows on the pool. There are two flavours, `edge` and `upstream`. */
export const reana: Framework<ReanaSpec, ReanaFacts> = {
  name: 'reana',
  title: 'REANA',
  about: 'reana (workflows on the pool)',
  options: [
    {
      ...{ name: 'reana', value: '<whose>', choices: ['edge', 'upstream'] },
      help: "edge (scailfin's own server) or upstream (CERN's REANA on Kubernetes); default: what the headnode can run",
    },
    {
      ...{ name: 'kubernetes', value: '<where>' },
      help: "for upstream REANA: minikube, or context:NAME from the headnode's kubeconfig; default: minikube",
    },
    {
      ...{ name: 'reana-image', value: '<image>' },
      help: "scailfin's image of REANA's job controller in a registry, for --kubernetes context:NAME",
    },
  ],
  secrets: secretFiles,
  facts: reanaFields,
  plan: planReana,
  needsAddress: spec => (spec.flavour === 'upstream' ? "use scailfin's own REANA server: --reana edge" : undefined),
  describe: describeReana,
  differences: reanaDiffers,
  service: async () => (await import('./service.js')).reanaService,
};
