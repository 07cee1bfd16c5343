import * as z from 'zod';
import { GPU_TYPE, parseDuration, parseGpus, parseMemory } from '../units.js';
import { parseBind } from './binds.js';

/** A bare number is the most likely mistake, so the message shows it with its unit. */
function withUnit(what: string, input: unknown, unit: string, examples: string): string {
  if (typeof input === 'number') return `a number needs a unit here: write ${input}${unit}, not ${input}`;
  return `must be ${what} with its unit, such as ${examples}`;
}

export const memory = z
  .string({ error: ({ input }) => withUnit('an amount of memory', input, 'G', '4G or 512M') })
  .transform((text, ctx) => {
    const mib = parseMemory(text);
    if (mib !== undefined) return mib;
    ctx.addIssue({ code: 'custom', message: `"${text}" is not an amount of memory; write 4G or 512M` });
    return z.NEVER;
  });

export const duration = z
  .string({ error: ({ input }) => withUnit('a duration', input, 'h', '30m, 2h or 1d12h') })
  .transform((text, ctx) => {
    const seconds = parseDuration(text);
    if (seconds !== undefined) return seconds;
    ctx.addIssue({ code: 'custom', message: `"${text}" is not a duration; write 30m, 2h, 1d12h or 02:00:00` });
    return z.NEVER;
  });

export const count = z.int().positive();
/** One word or phrase that becomes part of a script: it must not contain a line break. */
export const line = z
  .string()
  .min(1)
  .regex(/^[^\r\n\0]*$/, 'must be a single line');

/** A directory at the site; it may contain the site's own variables. */
export const place = line.regex(
  /^(?:[^$`"\\]|\$[A-Za-z_]|\$\{[A-Za-z_]\w*\})*$/,
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the shell's syntax
  'may contain variables of the site, $NAME or ${NAME}, but no other $, no `, no " and no backslash',
);

/** A file or directory of the site that steps see: `SRC[:DST][:ro]`. */
export const bind = line.superRefine((text, ctx) => {
  const read = parseBind(text);
  if (typeof read === 'string') ctx.addIssue({ code: 'custom', message: read });
});

export const date = z.string().regex(/^\d{4}-\d{2}(-\d{2})?$/, 'must be a date, YYYY-MM or YYYY-MM-DD');

/** The source of HTCondor on a headnode and for the glide-ins' payload. */
export const htcondorSchema = z.discriminatedUnion('source', [
  z.strictObject({ source: z.literal('system') }),
  z.strictObject({
    source: z.literal('tarball'),
    /** https://… or an absolute local path. */
    from: line,
    sha256: z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 hexadecimal digits'),
  }),
  z.strictObject({ source: z.literal('module'), module: line }),
]);

/** The programs a headnode needs for REANA on Kubernetes. */
export const toolNames = ['minikube', 'kubectl', 'helm'] as const;
export type ToolName = (typeof toolNames)[number];

/** The source of one of them instead of its publisher: a URL that the headnode can reach, or a file on it. */
export const toolSchema = z.strictObject({
  from: line.refine(from => /^https?:\/\/[^\s/]+|^\//.test(from), 'must be a URL or an absolute path on the headnode'),
  sha256: z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 hexadecimal digits'),
});
export type ToolSource = z.output<typeof toolSchema>;

export const gpuType = z.string().regex(GPU_TYPE, 'must be one word, such as a100');

/** `2` or `2:a100`, as after --gpus. */
export const gpus = z.coerce.string().transform((value, ctx) => {
  const wanted = parseGpus(value);
  if (wanted) return wanted;
  ctx.addIssue({ code: 'custom', message: `"${value}" is not a number of GPUs; write 2, or 2:TYPE` });
  return z.NEVER;
});
export type HtcondorSource = z.output<typeof htcondorSchema>;
