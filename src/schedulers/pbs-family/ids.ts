/**
 * A job of PBS Pro, OpenPBS or Torque has one canonical id here, as for every other batch system:
 * `59` for `59.pbs01` and for the array `59[].pbs01`, `59_2` for its task `59[2].pbs01`. The server is left out: the
 * systems put their default one back. An array and a plain job never share a number, so `59` may be asked for as both.
 */
export function canonicalId(native: string): string | undefined {
  const [, job, task] = /^(\d+)(?:\[(\d*)\])?(?:\.[\w.@:-]*)?$/.exec(native) ?? [];
  return job === undefined ? undefined : task ? `${job}_${task}` : job;
}

/** `59_2` → `59[2]`; `59` → `59` and `59[]`, of which the server knows only one. */
export function nativeIds(id: string): string[] {
  const [, job, task] = /^(\d+)(?:_(\d+))?$/.exec(id) ?? [];
  if (job === undefined) return [id];
  return task === undefined ? [job, `${job}[]`] : [`${job}[${task}]`];
}

/** The last line in a submission's answer that is a job id: banners may come before and after it. */
export function submittedId(stdout: string): string | undefined {
  const ids = [...stdout.matchAll(/^[ \t]*(\d+(?:\[\])?)\.(?=[\w-]*[A-Za-z])[\w.-]+[ \t]*\r?$/gm)];
  return canonicalId(ids.at(-1)?.[1] ?? '');
}
