/** More nodes than any job has; a few bytes can name a million. */
const MOST = 50_000;

/**
 * The nodes in Slurm's list expression, squeue(1) %N: `c[01-03,7],d1` → c01, c02, c03, c7, d1.
 * @returns an empty list for a text that is not such an expression, or names too many nodes
 */
export function nodesIn(text: string): string[] {
  const parts = text.match(/(?:[^,[\]]|\[[^\]]*\])+/g) ?? [];
  if (parts.join(',') !== text) return [];
  const found: string[] = [];
  for (const part of parts) {
    const nodes = expand(part);
    if (!nodes || found.length + nodes.length > MOST) return [];
    found.push(...nodes);
  }
  return found;
}

function expand(part: string): string[] | undefined {
  const [, head, ranges, tail] = /^([^[\]]*)\[([\d,-]+)\](.*)$/.exec(part) ?? [];
  if (ranges === undefined) return /[[\]\s()]/.test(part) ? undefined : [part];
  const rest = expand(tail as string);
  const numbers = numbersIn(ranges);
  if (!rest || !numbers || numbers.length * rest.length > MOST) return undefined;
  return numbers.flatMap(n => rest.map(end => `${head}${n}${end}`));
}

/** `01-03,7` → 01, 02, 03, 7 */
function numbersIn(ranges: string): string[] | undefined {
  const found: string[] = [];
  for (const range of ranges.split(',')) {
    const [, from, to = from] = /^(\d{1,9})(?:-(\d{1,9}))?$/.exec(range) ?? [];
    if (from === undefined || Number(to) - Number(from) > MOST) return undefined;
    for (let n = Number(from); n <= Number(to); n++) found.push(String(n).padStart(from.length, '0'));
  }
  return found;
}
