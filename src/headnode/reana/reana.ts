import type { Component, Headnode, Part } from '../component.js';
import { adminToken, setDatabasePassword } from './admin.js';
import { giveSecret, waitForAnswer } from './api.js';
import { chartPath, provideChart } from './chart.js';
import { missingFor } from './check.js';
import { startForward } from './forward.js';
import { installChart } from './helm.js';
import { buildImage, imageTag } from './image.js';
import { failed, Kube, readNote, wordsOf, writeNote } from './kube.js';
import { PACE, type Pace } from './pace.js';
import { noParts, partsOf } from './parts.js';
import { chooseNode, makeNamespace } from './place.js';
import { type ReanaPlan, type ReanaRunning, reanaDir } from './reana-plan.js';
import { type ReanaSecrets, secretsFor } from './reana-secrets.js';
import { removeReana, stopReana } from './remove.js';
import { onNodes, TOKEN, valuesFile, valuesFor } from './values.js';
import { everything, waitForParts } from './watch.js';

const valuesPath = (at: Headnode): string => `${reanaDir(at)}/values.yaml`;

/** Upstream REANA, by its Helm chart, on any Kubernetes that the headnode can talk to. */
export function reana(pace: Pace = PACE): Component<ReanaPlan, ReanaRunning> {
  return {
    name: 'reana',
    check: missingFor,
    install,
    configure,
    start: (at, plan) => start(at, plan, pace),
    healthy,
    stop: stopReana,
    remove: at => removeReana(at, pace),
  };
}

async function install(at: Headnode, plan: ReanaPlan): Promise<void> {
  await provideChart(new Kube(at.host, plan.kubernetes, at), at, plan.chart);
  if (plan.image === undefined && plan.kubernetes.own) await buildImage(at, plan.kubernetes.own);
}

async function configure(at: Headnode, plan: ReanaPlan): Promise<void> {
  const kube = new Kube(at.host, plan.kubernetes, at);
  const noted = await readNote(at);
  const node = await chooseNode(kube, plan, noted).catch(e => failed("Kubernetes' nodes can't be listed", e));
  await writeNote(at, { kubernetes: plan.kubernetes, node, onNode: onNodes(plan), stored: noted?.stored });
  const secrets = await ownSecrets(kube, at);
  const values = valuesFor(plan, { cluster: at.cluster, image: plan.image ?? imageTag(), secrets, node });
  await at.host.put([{ path: valuesPath(at), content: valuesFile(values), mode: 0o600 }]);
}

const ownSecrets = (kube: Kube, at: Headnode): Promise<ReanaSecrets> =>
  secretsFor(kube, at, reanaDir(at)).catch(error => failed("REANA's secrets can't be looked for", error));

async function start(at: Headnode, plan: ReanaPlan, pace: Pace): Promise<ReanaRunning> {
  const kube = new Kube(at.host, plan.kubernetes, at);
  const until = Date.now() + plan.timeoutMs;
  const secrets = await ownSecrets(kube, at);
  at.onProgress('installing the chart');
  await makeNamespace(kube, at).catch(e => failed(`the namespace ${kube.namespace} can't be made`, e));
  await installChart(kube, chartPath(at, plan.chart), valuesPath(at), pace.settleMs);
  await waitForParts(kube, at, { only: 'db', until, pace });
  await setDatabasePassword(kube, secrets, pace);
  await waitForParts(kube, at, { only: undefined, until, pace });
  at.onProgress('making the database and its administrator');
  const token = await adminToken(kube, plan.email, secrets);
  if (plan.kubernetes.own === undefined) await startForward(kube, at);
  const { port } = plan.kubernetes;
  await waitForAnswer(at, port, until, pace);
  await giveSecret(at, port, token, TOKEN, plan.pool.token);
  return { port, email: plan.email, token, password: secrets.admin };
}

async function healthy(at: Headnode): Promise<readonly Part[]> {
  try {
    const note = await readNote(at);
    if (note === undefined) return noParts('it has never been installed', 'dead');
    const kube = new Kube(at.host, note.kubernetes, at);
    const parts = partsOf(await everything(kube), kube.release);
    return parts.length === 0 ? noParts(`nothing of it is in ${kube.namespace}`, 'dead') : parts;
  } catch (error) {
    return noParts(wordsOf(error), 'unknown');
  }
}
