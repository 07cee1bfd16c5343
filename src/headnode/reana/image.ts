import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ScailfinError } from '../../errors.js';
import { packageRoot } from '../../paths.js';
import { wrapperScript } from '../../steps/wrapper.js';
import type { Headnode } from '../component.js';
import { runDetached } from '../detached.js';
import type { OwnKubernetes } from '../kubernetes.js';
import { reanaDir } from './reana-plan.js';

/** The build first fetches REANA's own image, of several hundred MB. */
const PATIENCE_MS = 45 * 60_000;

interface SourceFile {
  readonly path: string;
  readonly content: Buffer;
}

/** The sources of the image, by path: our directory without its README, and the script that runs a step on a node. */
export function imageSources(folder = join(packageRoot, 'templates/headnode/reana')): readonly SourceFile[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter(e => e.isFile() && !e.name.endsWith('.md') && !e.parentPath.includes('__pycache__'));
  const paths = files.map(e => join(e.parentPath, e.name).slice(folder.length + 1));
  const ours = paths.sort().map(path => ({ path, content: readFileSync(join(folder, path)) }));
  return [...ours, { path: 'step.sh', content: Buffer.from(wrapperScript()) }];
}

/** The tag of the job controller's image that this version of scailfin builds: other files give another tag. */
export function imageTag(files: readonly SourceFile[] = imageSources()): string {
  const digest = createHash('sha256');
  for (const { path, content } of files) digest.update(`${path}\0${content.length}\0`).update(content);
  return `localhost/scailfin-job-controller:${digest.digest('hex').slice(0, 12)}`;
}

/**
 * Builds the image in the cluster's own Kubernetes; if it was built before, this takes seconds.
 * @throws ScailfinError with the end of the build's output
 */
export async function buildImage(at: Headnode, { build }: OwnKubernetes): Promise<string> {
  const files = imageSources();
  const tag = imageTag(files);
  const folder = `${reanaDir(at)}/image`;
  await at.host.put(files.map(({ path, content }) => ({ path: `${folder}/${path}`, content, mode: 0o644 })));
  const end = await runDetached(at.host, {
    state: `${reanaDir(at)}/image-build`,
    argv: [...build, '-t', tag, folder],
    title: "building REANA's job controller",
    timeoutMs: PATIENCE_MS,
    onLine: line => at.onProgress(`job controller's image: ${line.slice(0, 60)}`),
  });
  if (end.exitCode === 0) return tag;
  throw new ScailfinError(`the image of REANA's job controller can't be built on ${at.host.name}: ${end.stderr}`, {
    hint: 'the headnode must reach docker.io: check that, then run `scailfin up` again; or name an image in a registry: `--reana-image`',
  });
}
