import { simpleCommands } from '../commandline.js';

/** One Slurm command from a command line as it was typed. */
export interface SlurmCommand {
  /** `squeue`, without its directory. */
  readonly program: string;
  /** Options by their long name, if they matter here; the value of a flag is empty. */
  readonly options: ReadonlyMap<string, string>;
  /** The words that are not options. */
  readonly words: readonly string[];
  /** Another program wrote the output last: `squeue | tail -3`. */
  readonly filtered: boolean;
}

/** The short options with a value, and the long names of those that matter: squeue(1), sacct(1), scancel(1), … */
const PROGRAMS: Record<string, { values: string; long: Record<string, string> }> = {
  sbatch: { values: 'AabBcCdDeFGiJkLmMnNopqSttwWx', long: { V: 'version', h: 'help' } },
  squeue: {
    values: 'AijLMnoOpqRSstuw',
    long: { o: 'format', O: 'Format', j: 'jobs', h: 'noheader', l: 'long', V: 'version', s: 'steps' },
  },
  sacct: {
    values: 'ACEFgGijkKMNoqrRsStuWx',
    long: { o: 'format', j: 'jobs', n: 'noheader', P: 'parsable2', p: 'parsable', b: 'brief', V: 'version', h: 'help' },
  },
  scancel: { values: 'AjnpqRstuwM', long: { V: 'version' } },
  scontrol: { values: 'Mu', long: { V: 'version', h: 'help' } },
  sinfo: { values: 'iMnoOpSt', long: { V: 'version', N: 'Node', R: 'list-reasons' } },
  sacctmgr: { values: 'M', long: { V: 'version', h: 'help' } },
  scrontab: { values: 'u', long: {} },
  sstat: { values: 'ijo', long: { V: 'version' } },
  sprio: { values: 'jMnoOpSu', long: { V: 'version' } },
  sshare: { values: 'AMou', long: { V: 'version' } },
};

/** Long options whose value is the next word if there is no `=`. */
const VALUED = new Set(
  'format Format jobs job name user users state states partition account clusters cluster qos delimiter starttime endtime sort nodelist signal reservation jobname uid'.split(
    ' ',
  ),
);

/** The only Slurm command of the line; undefined if there is none, or several, or a loop around them. */
export function slurmCommand(line: string): SlurmCommand | undefined {
  const parts = simpleCommands(line);
  const found = parts.flatMap((words, at) => {
    const rest = withoutWrappers(words);
    const program = nameOf(rest[0] ?? '');
    return Object.hasOwn(PROGRAMS, program) ? [{ at, program, rest: rest.slice(1) }] : [];
  });
  const [one, another] = found;
  if (!one || another || parts.some(words => /^(for|while|until|if|case)$/.test(words[0] ?? ''))) return undefined;
  return { program: one.program, filtered: one.at < parts.length - 1, ...parse(one.program, one.rest) };
}

/** `FOO=bar timeout 120 squeue …` → `squeue …` */
function withoutWrappers(words: readonly string[]): readonly string[] {
  const rest = words.slice(words.findIndex(word => !/^[A-Za-z_]\w*=/.test(word)));
  if (!/^(timeout|env|sudo|nice|time|exec|command|nohup|stdbuf|setsid|srun)$/.test(rest[0] ?? '')) return rest;
  const at = rest.findIndex(word => Object.hasOwn(PROGRAMS, nameOf(word)));
  return at < 0 ? [] : rest.slice(at);
}

const nameOf = (word: string): string => word.split('/').at(-1) ?? '';

function parse(program: string, args: readonly string[]): Pick<SlurmCommand, 'options' | 'words'> {
  const { values, long } = PROGRAMS[program] as { values: string; long: Record<string, string> };
  const options = new Map<string, string>();
  const words: string[] = [];
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] as string;
    if (arg === '--') {
      words.push(...args.slice(at + 1));
      break;
    }
    if (arg.startsWith('--')) {
      const [, name, value] = /^--([^=]*)(?:=([\s\S]*))?$/.exec(arg) as unknown as [string, string, string | undefined];
      options.set(name, value ?? (VALUED.has(name) ? (args[++at] ?? '') : ''));
    } else if (/^-./.test(arg)) {
      for (let i = 1; i < arg.length; i++) {
        const letter = arg[i] as string;
        const name = long[letter] ?? letter;
        if (!values.includes(letter)) {
          options.set(name, '');
          continue;
        }
        options.set(name, arg.slice(i + 1) || (args[++at] ?? ''));
        break;
      }
    } else {
      words.push(arg);
      // sbatch's own options end at the script
      if (program === 'sbatch') break;
    }
  }
  return { options, words };
}
