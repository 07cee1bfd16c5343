import { type Command, InvalidArgumentError } from 'commander';
import type { ClusterRecord } from '../cluster/record.js';
import type { Added, Shared } from '../cluster/share.js';
import { UsageError } from '../errors.js';
import type { Transport } from '../hosts/target.js';
import { personName } from '../people.js';
import { formatBytes } from '../units.js';
import { jsonOption, memory, transportOption } from './options.js';
import { table } from './table.js';
import type { Ui } from './ui.js';

interface Flags {
  transport?: Transport;
  dryRun?: boolean;
}

interface AddFlags extends Flags {
  key?: string;
  newToken?: boolean;
  /** MiB. */
  quota?: number;
  yes?: boolean;
}

/** Adds `scailfin share add|list|remove`. */
export function register(program: Command, ui: Ui): void {
  const share = program
    .command('share')
    .description("let other people use the cluster's REANA: add, list, remove them");

  people(
    share.command('add').description('let a person use the cluster, and print what they need'),
    'an e-mail address, or a short name',
  )
    .option('--key <file>', 'their public SSH key: it can connect to REANA on the headnode, and do nothing else there')
    .option('--new-token', 'give somebody who is there a new token; the old one ends at once')
    .option('--quota <size>', 'the most that all their files may use, such as 20G', memory)
    .option('-y, --yes', 'do not ask whether you trust them with your account')
    .option('--dry-run', 'say what would be done, and change nothing')
    .addOption(transportOption())
    .addOption(jsonOption())
    .action(async (first: string, second: string | undefined, flags: AddFlags) =>
      add(ui, await meant(first, second), flags),
    );

  share
    .command('list')
    .description('list the people who can use the cluster, and what they run')
    .argument('[name]', 'the cluster; default: the only one')
    .addOption(transportOption())
    .addOption(jsonOption())
    .action(async (name: string | undefined, flags: Flags) => {
      const [{ pickRecord, withCluster }, { sharedWith }] = await modules();
      const record = pickRecord(name);
      await withCluster(ui, record.name, flags, async context => {
        const people = await sharedWith(context);
        if (ui.json) ui.printJson({ name: record.name, people });
        else ui.print(described(record.name, people));
      });
    });

  people(share.command('remove').description("end a person's access at once"), 'as `scailfin share list` shows them')
    .option('--keep-runs', 'let runs of theirs that are active go on to their end; default: stop them')
    .option('--dry-run', 'say what would be done, and change nothing')
    .addOption(transportOption())
    .addOption(jsonOption())
    .action(async (first: string, second: string | undefined, flags: Flags & { keepRuns?: boolean }) =>
      remove(ui, await meant(first, second), flags),
    );
}

const modules = () => Promise.all([import('./session.js'), import('../cluster/share.js')]);

/** The words of a command that ends in a person: the cluster before it may be left out, as everywhere. */
const people = (command: Command, who: string): Command =>
  command
    .usage('[options] [name] <person>')
    .argument('<name>', 'the cluster; if there is only one, it may be left out')
    .argument('[person]', who, checkedName);

interface Meant {
  readonly record: ClusterRecord;
  readonly person: string;
}

async function meant(first: string, second: string | undefined): Promise<Meant> {
  const { pickRecord } = await import('./session.js');
  return { record: pickRecord(second === undefined ? undefined : first), person: second ?? checkedName(first) };
}

function checkedName(text: string): string {
  const name = personName(text);
  if (name !== undefined) return name;
  throw new InvalidArgumentError(
    `${JSON.stringify(text)} can't be a person's name: write an e-mail address, or letters and digits.`,
  );
}

async function add(ui: Ui, { record, person }: Meant, flags: AddFlags): Promise<void> {
  const { publicKeyIn } = await import('../cluster/sharekey.js');
  const { name } = record;
  const key = flags.key === undefined ? undefined : publicKeyIn(flags.key);
  const quota = flags.quota === undefined ? undefined : flags.quota * 2 ** 20;
  if (flags.dryRun) {
    const sites = record.sites.map(({ spec }) => spec.site);
    const steps = [
      `make a token for ${person}, of which the headnode keeps a hash`,
      ...(key
        ? [`add the key in ${flags.key} to ~/.ssh/authorized_keys on the headnode, for connections to REANA alone`]
        : []),
    ];
    if (ui.json) return ui.printJson({ name, person, dryRun: true, would: steps, warning: warning(person, sites) });
    return ui.print([...steps.map(text => `would ${text}`), ...warning(person, sites)].join('\n'));
  }
  await agreed(ui, record, person, flags.yes === true);
  const [{ withCluster }, { share }] = await modules();
  await withCluster(ui, name, flags, async context => {
    const added = await share(context, { person, key, newToken: flags.newToken, quota });
    if (ui.json) return ui.printJson({ name, ...added, environment: environmentOf(added), tunnel: tunnelOf(added) });
    ui.print(message(added));
    if (added.token === undefined)
      ui.say(
        `${person} could use ${name} already, and keeps the token; a new one: scailfin share add ${name} ${person} --new-token`,
      );
    else ui.say('The token is not kept anywhere and is not shown again. Send it on a way that only they read.');
    ui.say(`Who can use the cluster: scailfin share list ${name}; to end it: scailfin share remove ${name} ${person}`);
  });
}

/** What the user has to know before: steps of all people are one user's for the site. */
const warning = (person: string, sites: readonly string[]): string[] => [
  `Steps of ${person} run in your account at ${sites.join(', ')}: there they can read and change your files, as you can.`,
  'They are charged to your allocation, and you answer for them. Many centres forbid shared accounts: ask yours.',
  'So share a cluster only with people to whom you would lend your account.',
];

/** @throws UsageError if the user says no, or can't be asked */
async function agreed(ui: Ui, { name, sites }: ClusterRecord, person: string, isYes: boolean): Promise<void> {
  for (const line of warning(
    person,
    sites.map(({ spec }) => spec.site),
  ))
    ui.say(line);
  if (isYes) return;
  const prompter = ui.prompter();
  if (!prompter)
    throw new UsageError('this needs your consent, and there is no terminal to ask at', {
      hint: `scailfin share add ${name} ${person} --yes`,
    });
  if (!(await prompter.confirm(`Share ${name} with ${person}?`)))
    throw new UsageError('nothing was changed, because you said no', { hint: `scailfin share list ${name}` });
}

/** What forwards a local port to REANA, for a shell. With a key, each connection is a login of its own, which needs no more than Python. */
const tunnelOf = ({ hasKey, way: { user, host, port, isHere } }: Added): string | undefined => {
  if (hasKey) {
    return [
      "python3 -c 'import socketserver as s, subprocess as p",
      's.ThreadingTCPServer.allow_reuse_address = s.ThreadingTCPServer.daemon_threads = True',
      'class H(s.BaseRequestHandler):',
      `  def handle(h): p.run(["ssh", "-T", "${user}@${host}"], stdin=h.request, stdout=h.request)`,
      `s.ThreadingTCPServer(("127.0.0.1", ${port}), H).serve_forever()'`,
    ].join('\n');
  }
  return isHere ? undefined : `ssh -N -L ${port}:127.0.0.1:${port} YOUR-NAME@${host}`;
};

const environmentOf = ({ token, way }: Added): Record<string, string> => ({
  REANA_SERVER_URL: `http://127.0.0.1:${way.port}`,
  REANA_ACCESS_TOKEN: token ?? 'TOKEN',
});

/** The text to send on. */
function message(added: Added): string {
  const { way, hasKey, person } = added;
  const tunnel = tunnelOf(added);
  const first =
    tunnel === undefined
      ? [`(on ${way.host} itself, where ${person} needs a login of their own)`]
      : [
          ...(hasKey ? [] : [`# with a login of your own on ${way.host}`]),
          `${tunnel}    # leave it running; another terminal:`,
        ];
  const values = Object.entries(environmentOf(added)).map(([key, value]) => `export ${key}=${value}`);
  return [
    ...first,
    ...values,
    'reana-client ping    # pip install reana-client==0.9.6',
    `# a page for your browser: http://127.0.0.1:${way.port}/ (it asks for the token)`,
  ].join('\n');
}

function described(name: string, people: readonly Shared[]): string {
  if (people.length === 0) return `${name} is shared with nobody; to change that: scailfin share add ${name} PERSON`;
  const rows = people.map(p => [
    ...[
      p.name,
      p.hasKey ? 'key' : 'own login',
      `${p.active} of ${p.runs}`,
      String(p.steps.running),
      String(p.steps.waiting),
    ],
    `${formatBytes(p.used)}${p.quota === undefined ? '' : ` of ${formatBytes(p.quota)}`}`,
  ]);
  return table([['PERSON', 'COMES BY', 'ACTIVE RUNS', 'STEPS RUN', 'WAIT', 'FILES'], ...rows]);
}

async function remove(
  ui: Ui,
  { record: { name }, person }: Meant,
  flags: Flags & { keepRuns?: boolean },
): Promise<void> {
  const runs = flags.keepRuns ? 'their active runs go on to their end' : 'their active runs are stopped';
  if (flags.dryRun) {
    const text = `would end the access of ${person} to ${name}; ${runs}; all their runs and files stay, for you`;
    return ui.json ? ui.printJson({ name, person, dryRun: true, would: [text] }) : ui.print(text);
  }
  const [{ withCluster }, { unshare }] = await modules();
  await withCluster(ui, name, flags, async context => {
    const { wasThere, stopped } = await unshare(context, person, flags.keepRuns === true);
    if (ui.json) return ui.printJson({ name, person, wasThere, stopped });
    const stops = stopped === 0 ? '' : `; ${stopped} run${stopped === 1 ? '' : 's'} stopped`;
    ui.print(wasThere ? `${person} can't use ${name} any more${stops}` : `${name} was not shared with ${person}`);
    if (wasThere)
      ui.say(`Their runs and files are yours now: reana-client list --shared, or the page (scailfin connect ${name})`);
  });
}
