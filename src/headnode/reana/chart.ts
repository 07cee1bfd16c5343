import { ScailfinError } from '../../errors.js';
import type { Headnode } from '../component.js';
import type { Kube } from './kube.js';
import { failed } from './kube.js';
import { type ChartSource, reanaDir } from './reana-plan.js';

/** The version whose values, names and commands this directory supports. */
export const CHART_VERSION = '0.9.4';

/**
 * The chart's release, which contains Traefik's chart 10.6.2; the digest is from its entry in REANA's Helm repository.
 */
export const CHART: ChartSource = {
  from: `https://github.com/reanahub/reana/releases/download/${CHART_VERSION}/reana-${CHART_VERSION}.tgz`,
  sha256: '0ea8f559d1ec1142fef8e3dc14c9b505785d0bbab45236e5fead341ff106f41d',
};

/** Some 100 KB. */
const PATIENCE_MS = 180_000;

/** The chart's path on the headnode, once it was fetched. */
export function chartPath(at: Headnode, { from, sha256 }: ChartSource): string {
  return isUrl(from) ? `${reanaDir(at)}/chart-${sha256?.slice(0, 12)}.tgz` : from;
}

const isUrl = (from: string): boolean => /^https?:/.test(from);

/** Puts the chart on the headnode and verifies it. @throws ScailfinError if it can't be fetched, or is another one */
export async function provideChart(kube: Kube, at: Headnode, chart: ChartSource): Promise<void> {
  const path = chartPath(at, chart);
  if (!isUrl(chart.from)) return verify(at, chart, path, false);
  if (chart.sha256 === undefined) {
    throw new ScailfinError(`REANA's chart of ${chart.from} can't be trusted without a digest`, {
      hint: "also give its sha256: scailfin config set reana.chart '{from: …, sha256: …}'",
    });
  }
  if ((await at.host.run(['test', '-e', path], { check: false })).exitCode === 0) return verify(at, chart, path, true);
  at.onProgress("fetching REANA's chart");
  const fresh = `${reanaDir(at)}/chart.new`;
  await at.host.run(['sh', '-c', 'umask 077; rm -rf "$1" && mkdir -p "$1"', 'sh', fresh]);
  await kube
    .helm(['pull', chart.from, '--destination', fresh], { timeoutMs: PATIENCE_MS })
    .catch(error =>
      failed(
        `REANA's chart can't be fetched`,
        error,
        'if the headnode needs a proxy, set https_proxy; or name a copy of the chart: reana.chart',
      ),
    );
  const file = (await at.host.run(['find', fresh, '-name', '*.tgz'])).stdout.trim();
  await verify(at, chart, file, true);
  await at.host.run(['mv', file, path]);
  await at.host.run(['rm', '-rf', fresh]);
}

/** @param ours it was fetched by us, and is removed if it is wrong */
async function verify(at: Headnode, { from, sha256 }: ChartSource, path: string, ours: boolean): Promise<void> {
  // the user's own chart may be a directory, which has no digest
  const argv = sha256 === undefined ? ['ls', '-d', path] : ['sha256sum', path];
  const { exitCode, stdout, stderr } = await at.host.run(argv, { check: false });
  if (exitCode === 0 && (sha256 === undefined || stdout.startsWith(sha256))) return;
  if (ours) await at.host.run(['rm', '-f', path]);
  const said = exitCode === 0 ? `its sha256 is ${stdout.slice(0, 64)}, not ${sha256}` : stderr.trim();
  throw new ScailfinError(`REANA's chart of ${from} is not what it should be: ${said}`, {
    hint: 'the file was not used. Was it changed on the way, or is the digest for another file (reana.chart)?',
  });
}
