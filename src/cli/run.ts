import { join } from 'node:path';
import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import type { Context } from '../cluster/context.js';
import { ScailfinError, UsageError } from '../errors.js';
import type { Transport } from '../hosts/target.js';
import { inLine } from '../printable.js';
import type { ReanaClient } from '../reana/client.js';
import type { Fetched } from '../reana/outputs.js';
import type { Specification } from '../reana/run.js';
import { formatBytes } from '../units.js';
import { jsonOption, transportOption } from './options.js';
import { failure, follow, patiently } from './run-watch.js';
import type { Ui } from './ui.js';

interface Flags {
  cluster?: string;
  param?: Record<string, string>;
  option?: Record<string, string>;
  out?: string;
  attach?: string;
  pull?: boolean;
  name?: string;
  transport?: Transport;
}

export function register(program: Command, ui: Ui): void {
  program
    .command('run')
    .description('run a reana.yaml on a cluster: upload its inputs, show its steps, fetch its outputs')
    .argument('[file]', 'the specification', 'reana.yaml')
    .option('--cluster <name>', 'the cluster to use; default: the only one')
    .option('-p, --param <name=value>', 'set a parameter to another value; repeatable', pair)
    .option('-o, --option <name=value>', 'set an operational option, such as TARGET=step; repeatable', pair)
    .option('--name <name>', "the run's name; default: the directory's")
    .option('--out <dir>', 'where to put the outputs', '.')
    .option('--attach <run>', 'watch a run that exists, and fetch its outputs')
    .option('--pull', "first pull the images that the file names on the site's login node, for all nodes")
    .addOption(transportOption())
    .addOption(jsonOption())
    .action(async (file: string, flags: Flags) => {
      const [{ pickRecord, withCluster }, { reachFrameworks }, { reanaOf }] = await Promise.all([
        import('./session.js'),
        import('../cluster/framework.js'),
        import('../frameworks/reana/client.js'),
      ]);
      const record = pickRecord(flags.cluster);
      const out = flags.out ?? '.';
      await withCluster(ui, record.name, flags, async context => {
        const [offer] = await reachFrameworks(context, ['reana']);
        const client = reanaOf(offer);
        // a connection may be tried again; a request that begins a run may not
        const reach = () => patiently(async () => void (await offer.dial()).destroy(), ui);
        const begun = flags.attach === undefined ? await begin(client, reach, file, flags, ui, context) : undefined;
        const run = begun?.run ?? (await known(client, flags.attach as string, record.name, ui));
        ui.say(`Ctrl-C does not stop the run; to watch it again: scailfin run --attach ${inLine(run)}`);
        const report = await follow(client, run, ui);
        if (report.status !== 'finished') {
          if (ui.json) ui.printJson({ ...report, outputs: [] });
          throw await failure(client, report);
        }
        const { outputFolder } = await import('./outputs.js');
        const { fetchOutputs } = await import('../reana/outputs.js');
        // the outputs are those named in the local file, if there is one
        const wanted = begun?.specification ?? (await client.specification(run));
        const folder = await outputFolder(out);
        const fetched = await fetchOutputs(client, run, wanted, folder, ask => patiently(ask, ui));
        const { written, missing } = fetched;
        const outputs = written.map(name => join(out, name));
        if (ui.json) ui.printJson({ ...report, outputs, ...(missing.length > 0 ? { missing } : {}) });
        else for (const path of outputs) ui.print(inLine(path));
        if (missing.length > 0 && ui.json) process.exitCode = 1;
        else if (missing.length > 0) throw incomplete(fetched, run);
      });
    });
}

/** @returns the run, if the cluster has it @throws UsageError */
async function known(client: ReanaClient, run: string, cluster: string, ui: Ui): Promise<string> {
  try {
    await patiently(() => client.status(run), ui);
    return run;
  } catch (error) {
    const { ReanaRefusal } = await import('../reana/client.js');
    if (!(error instanceof ReanaRefusal) || error.status !== 404) throw error;
    throw new UsageError(`there is no run ${inLine(run)} on ${cluster}`, {
      hint: `the runs that there are: eval "$(scailfin env ${cluster})"; reana-client list`,
    });
  }
}

/** The error if some outputs could not be fetched, with the reasons. */
function incomplete({ written, missing }: Fetched, run: string): ScailfinError {
  const lines = missing.map(({ name, reason }) => `  - ${inLine(name)}: ${inLine(reason)}`);
  const isLink = missing.some(({ reason }) => reason.includes('symlink'));
  const hint = isLink
    ? 'links are not followed on the cluster: let the step copy the file that the link leads to'
    : `to try again: scailfin run --attach ${inLine(run)}`;
  const total = written.length + missing.length;
  const message = `${missing.length} of ${total} output${total === 1 ? '' : 's'} could not be fetched:`;
  return new ScailfinError([message, ...lines].join('\n'), { hint });
}

function pair(text: string, before: Record<string, string> = {}): Record<string, string> {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('Write NAME=VALUE.');
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) };
}

/** Creates the run, uploads what it needs and starts it. @param reach waits for an edge that is on its way back @returns its name */
async function begin(
  client: ReanaClient,
  reach: () => Promise<void>,
  file: string,
  flags: Flags,
  ui: Ui,
  context: Context,
): Promise<{ run: string; specification: Specification }> {
  const { readSubmission } = await import('../reana/submission.js');
  const { step } = await import('../cluster/events.js');
  const parameters = flags.param ?? {};
  const { specification, folder, files, name } = await readSubmission(file, parameters);
  const sink = await ui.sink();
  if (flags.pull) {
    const [{ pullImage }, { imagesOf }] = await Promise.all([
      import('../cluster/images.js'),
      import('../reana/images.js'),
    ]);
    for (const image of imagesOf(specification))
      await step(sink, `Pulling ${inLine(image)}`, () => pullImage(context, image));
  }
  await reach();
  const run = await client.create(flags.name ?? name, specification);
  await step(
    sink,
    `Uploading inputs to ${inLine(run.name)}`,
    async () => {
      let bytes = 0;
      for (const { path } of files) {
        const handle = await folder.open(path);
        bytes += await client.upload(run.id, handle, path).finally(() => handle.close());
      }
      return bytes;
    },
    bytes => `${files.length} file${files.length === 1 ? '' : 's'}, ${formatBytes(bytes)}`,
  );
  await client.start(run.id, parameters, flags.option ?? {});
  return { run: run.name, specification };
}
