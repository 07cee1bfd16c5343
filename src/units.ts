const MIB: Record<string, number> = {
  m: 1,
  mb: 1,
  mib: 1,
  g: 1024,
  gb: 1024,
  gib: 1024,
  t: 1048576,
  tb: 1048576,
  tib: 1048576,
};
const SECONDS: Record<string, number> = { s: 1, m: 60, min: 60, h: 3600, d: 86400 };

/** `4G`, `512M`, `1.5 GiB` → MiB; undefined if it is not an amount of memory with its unit. */
export function parseMemory(text: string): number | undefined {
  const match = /^\s*(\d+(?:\.\d+)?)\s*([a-z]+)\s*$/i.exec(text);
  const factor = match?.[2] && MIB[match[2].toLowerCase()];
  if (!match || !factor) return undefined;
  const mib = Math.floor(Number(match[1]) * factor);
  return mib > 0 && Number.isSafeInteger(mib) ? mib : undefined;
}

/**
 * `90s`, `10m`, `2h`, `1d12h`, `1-12:00:00`, `02:00:00` → seconds; undefined if it is not a duration. `10:00` is refused,
 * because Slurm and PBS read it as minutes, but LSF as hours.
 */
export function parseDuration(text: string): number | undefined {
  const t = text.trim();
  let seconds = 0;
  const clock = /^(?:(\d+)-)?(\d+):([0-5]?\d)(?::([0-5]?\d))?$/.exec(t);
  if (clock) {
    const [, d, a, b, c] = clock;
    if (d === undefined && c === undefined) return undefined;
    seconds = Number(d ?? 0) * 86400 + Number(a) * 3600 + Number(b) * 60 + Number(c ?? 0);
  } else {
    if (!/^(\d+(\.\d+)?\s*(s|m|min|h|d)\s*)+$/i.test(t)) return undefined;
    for (const [, n, unit] of t.matchAll(/(\d+(?:\.\d+)?)\s*(min|s|m|h|d)/gi)) {
      seconds += Number(n) * (SECONDS[(unit as string).toLowerCase()] as number);
    }
  }
  seconds = Math.round(seconds);
  return seconds > 0 && Number.isSafeInteger(seconds) ? seconds : undefined;
}

/** Seconds → `1d 02:03:04`, `2:03:04`, `3:04`, or `42 s`. */
export function formatDuration(seconds: number): string {
  const s = Math.max(0, Math.round(seconds));
  if (s < 60) return `${s} s`;
  const two = (n: number) => String(n).padStart(2, '0');
  const [d, h, m] = [Math.floor(s / 86400), Math.floor((s % 86400) / 3600), Math.floor((s % 3600) / 60)];
  if (d > 0) return `${d}d ${two(h)}:${two(m)}:${two(s % 60)}`;
  return h > 0 ? `${h}:${two(m)}:${two(s % 60)}` : `${m}:${two(s % 60)}`;
}

/** Seconds → `HH:MM:SS`, with any number of hours: the walltime notation of Slurm, PBS, Torque and SGE. */
export function clock(seconds: number): string {
  const two = (n: number) => String(n).padStart(2, '0');
  return `${two(Math.floor(seconds / 3600))}:${two(Math.floor((seconds % 3600) / 60))}:${two(Math.floor(seconds % 60))}`;
}

/** MiB → `512 MiB`, `4 GiB`. */
export function formatMemory(mib: number): string {
  return mib >= 1024 ? `${Number((mib / 1024).toFixed(1))} GiB` : `${mib} MiB`;
}

/** A type of GPU, as batch systems name it. */
export const GPU_TYPE = /^[A-Za-z0-9][\w.-]{0,63}$/;

/** `2` or `2:a100`: GPUs of each node, and their type. */
export function parseGpus(text: string): { readonly count: number; readonly type?: string } | undefined {
  const [, count, type] = /^(\d{1,3})(?::(.+))?$/.exec(text) ?? [];
  if (count === undefined || (type !== undefined && !GPU_TYPE.test(type))) return undefined;
  return { count: Number(count), ...(type === undefined ? {} : { type }) };
}

/** `980 bytes`, `74 kB`, `9.3 MB`; decimal, as disks and networks count. */
export function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} byte${bytes === 1 ? '' : 's'}`;
  return bytes < 1e6 ? `${Math.round(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
