import { link, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stepEnvironment } from '../../steps/environment.js';
import type { Place, Row } from './description.js';
import type { Hashes } from './hashes.js';
import { manifestText, pack, probeOf, smallOf, survey } from './manifest.js';
import type { Manifests } from './manifests.js';
import { archivePath, downDir, jobDir, manifestPath, stepDir } from './places.js';
import type { StepRecord } from './record.js';

/** A step that could not be prepared, and why. */
export interface Refused {
  readonly step: StepRecord;
  readonly error: unknown;
}

/** Prepares the directories of steps for submission. The steps of one run share one reading of its workspace. */
export async function prepare(
  place: Place,
  steps: readonly StepRecord[],
  hashes: Hashes,
  manifests: Manifests,
): Promise<{ rows: Row[]; refused: Refused[] }> {
  const rows: Row[] = [];
  const refused: Refused[] = [];
  for (const workspace of new Set(steps.map(step => step.request.workspace))) {
    const group = steps.filter(step => step.request.workspace === workspace);
    try {
      rows.push(...(await prepareRun(place, group, hashes, manifests)));
    } catch (error) {
      refused.push(...group.map(step => ({ step, error })));
    }
  }
  return { rows, refused };
}

/** Removes what a finished step no longer needs: its copies of files, and its secrets. */
export async function tidy(dir: string, id: string): Promise<void> {
  for (const name of ['step.env', 'small.tar', 'small.tar.list', 'changed.tar'])
    await rm(join(jobDir(dir, id), name), { recursive: true, force: true });
  await rm(archivePath(dir, id), { recursive: true, force: true });
  await rm(downDir(dir, id), { recursive: true, force: true });
}

async function prepareRun(
  place: Place,
  steps: readonly StepRecord[],
  hashes: Hashes,
  manifests: Manifests,
): Promise<Row[]> {
  const [first] = steps as [StepRecord];
  const { workspace } = first.request;
  const probe = await probeOf(workspace);
  const items = await survey(workspace, hashes);
  const inputBytes = items.reduce((sum, item) => sum + item.size, 0);
  const origin = jobDir(place.dir, first.id);
  const manifest = manifestText(items, probe);
  for (const { id, request } of steps) {
    const dir = jobDir(place.dir, id);
    await rm(stepDir(place.dir, id), { recursive: true, force: true });
    await mkdir(stepDir(place.dir, id), { mode: 0o700 });
    await mkdir(dir, { mode: 0o700 });
    const down = request.isSession ? downDir(place.dir, id) : '';
    if (down) await mkdir(down, { mode: 0o700 });
    await writeFile(join(dir, 'step.env'), await stepEnvironment(id, request, down), { mode: 0o600 });
    if (dir === origin) {
      // one copy for the job and one for the edge: with a hard link, whoever runs the step could write to the edge's copy
      for (const path of [join(dir, 'manifest'), manifestPath(place.dir, id)])
        await writeFile(path, manifest, { mode: 0o600 });
      await pack(workspace, smallOf(items), join(dir, 'small.tar'));
    } else {
      for (const name of ['manifest', 'small.tar']) await link(join(origin, name), join(dir, name));
      await link(manifestPath(place.dir, first.id), manifestPath(place.dir, id));
    }
  }
  manifests.remember(
    steps.map(({ id }) => id),
    items,
  );
  return steps.map(({ id, request }) => ({ id, request, inputBytes }));
}
