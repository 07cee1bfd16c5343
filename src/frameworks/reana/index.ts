import type { Framework } from '../framework.js';
import { type ReanaFacts, reanaFields, secretFiles } from './facts.js';
import { describeReana, planReana, type ReanaSpec, reanaDiffers } from './spec.js';

/** REANA: reproducible analyses, as workflows on the pool. It comes in two flavours, `edge` and `upstream`. */
export const reana: Framework<ReanaSpec, ReanaFacts> = {
  name: 'reana',
  title: 'REANA',
  about: 'reana runs workflows on it',
  options: [
    {
      ...{ name: 'reana', value: '<whose>', choices: ['edge', 'upstream'] },
      help: "edge: scailfin's own, upstream: CERN's on Kubernetes; default: what the headnode can carry",
    },
    {
      ...{ name: 'kubernetes', value: '<where>' },
      help: "for upstream REANA: minikube, or context:NAME of the headnode's kubeconfig; default: minikube",
    },
    {
      ...{ name: 'reana-image', value: '<image>' },
      help: "REANA's job controller of ours in a registry, for --kubernetes context:NAME",
    },
  ],
  secrets: secretFiles,
  facts: reanaFields,
  plan: planReana,
  describe: describeReana,
  differences: reanaDiffers,
  service: async () => (await import('./service.js')).reanaService,
};
