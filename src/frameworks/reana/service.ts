import type { Place, Rendered, Service } from '../service.js';
import { clientOf } from './client.js';
import { edge } from './edge/index.js';
import type { ReanaFacts } from './facts.js';
import type { Flavour } from './flavour.js';
import type { ReanaSpec } from './spec.js';
import { passwordFile, tokenFile } from './token-files.js';
import { upstream } from './upstream/index.js';

type FlavourName = ReanaFacts['flavour'];

const flavours: Readonly<Record<FlavourName, Flavour>> = { edge, upstream };

/** REANA on the headnode, in the flavour that was asked for, or the one that the headnode can run. */
export const reanaService: Service<ReanaSpec, ReanaFacts> = {
  components: [...edge.components, ...upstream.components],
  ownScripts: new RegExp(`${edge.ownScripts.source}|${upstream.ownScripts.source}`),

  async bringUp(at, spec, before) {
    const { flavour, why } = await choose(at, spec, before);
    at.announce(`bring up REANA (${flavour}) on ${at.host.name}`);
    const facts = await flavours[flavour].bringUp(at, spec);
    return { facts, said: `${flavour}, on port ${facts.port} of ${at.host.name} (${why})` };
  },

  async status(facts, at, pool) {
    return { flavour: facts.flavour, ...(await flavours[facts.flavour].status(facts, at, pool)) };
  },

  dial: (facts, here, dial) => flavours[facts.flavour].dial(facts, here, dial),

  env: ({ scheme }, { folder }, port) => [
    { name: 'REANA_SERVER_URL', value: `${scheme}://127.0.0.1:${port}` },
    { name: 'REANA_ACCESS_TOKEN', file: tokenFile(folder), what: 'token' },
  ],

  people: (facts, here, dial) => flavours[facts.flavour].people(facts, here, dial),

  next({ scheme, port, email }, { cluster, folder }, isHere) {
    const url = isHere
      ? `REANA_SERVER_URL is ${scheme}://127.0.0.1:${port}, which is also a page for your browser; the token is in`
      : 'this sets REANA_SERVER_URL, which is also a page for your browser; the token is in';
    return [
      `scailfin run --cluster ${cluster} reana.yaml`,
      `eval "$(scailfin env ${cluster})" && reana-client ping    the client: pip install reana-client==0.9.6`,
      ...[url, tokenFile(folder)],
      ...(email === undefined ? [] : [`sign in to the page as ${email}, by the password in ${passwordFile(folder)}`]),
    ];
  },

  async losses(facts, here, dial) {
    const runs = await clientOf(facts, here, dial).runs();
    return runs > 0 ? `the files of ${runs} run${runs === 1 ? '' : 's'} of REANA's, which go with it` : undefined;
  },

  async render(cluster, dir, spec, others) {
    // if the headnode decides, it may be either one
    const wanted = spec.flavour === 'auto' ? Object.values(flavours) : [flavours[spec.flavour]];
    const parts: Rendered[] = await Promise.all(wanted.map(flavour => flavour.render(cluster, dir, spec, others)));
    return {
      configuration: parts.flatMap(part => part.configuration),
      scripts: parts.flatMap(part => part.scripts),
      more: parts.flatMap(part => part.more),
      folders: parts.flatMap(part => part.folders),
      note: parts.map(part => part.note).join(''),
    };
  },
};

interface Choice {
  readonly flavour: FlavourName;
  /** The reason in a few words. */
  readonly why: string;
}

/** The flavour that was asked for; otherwise the one that is there; otherwise the one that the headnode can run. */
async function choose(at: Place, spec: ReanaSpec, before: ReanaFacts | undefined): Promise<Choice> {
  if (spec.flavour !== 'auto') return { flavour: spec.flavour, why: 'as asked for' };
  if (before) return { flavour: before.flavour, why: 'as before' };
  const [missing] = await upstream.missing(at, spec, at.pool);
  if (missing) return { flavour: 'edge', why: `not CERN's on Kubernetes: ${missing.what}` };
  return { flavour: 'upstream', why: 'the headnode has enough resources for Kubernetes' };
}
