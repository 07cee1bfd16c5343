import { ConnectionError, ScailfinError } from '../../errors.js';
import { bringUp, type Headnode } from '../../headnode/component.js';
import { nodeFiles, type RelayKeys, type RelayPlan, relay, relayKeys } from '../../headnode/relay.js';
import type { FileToPut } from '../../hosts/host.js';
import { AWAY_LIMIT } from '../../htcondor/away.js';
import type { RunningPool } from '../../htcondor/pool.js';
import type { RelaySite } from '../../relay/settings.js';
import type { RelayState } from '../../relay/state.js';
import { formatDuration } from '../../units.js';
import { loginAuth, loginTargets } from '../connections.js';
import { type Context, headnodeOf, recordOf, type Site, siteDir } from '../context.js';
import type { SiteSpec } from '../spec.js';
import { loginFrom } from './bosco.js';
import type { Head } from './connect.js';
import { closeToRelay, letRelayIn, refusedWithKey, withoutLogin } from './relaykey.js';

/** How long a login that the relay uses is kept while nobody uses it: the relay is away only for moments. Seconds. */
const KEPT_FOR = 12 * 3600;

/**
 * Lets the headnode keep a connection to the site, through which the site's nodes reach the pool; or finds it open. A headnode
 * elsewhere logs in as its user does there; if that does not do, with a key of the cluster's own.
 * @returns the state of the relay to that site, which is open
 * @throws ScailfinError if the headnode can't log in there by itself
 */
export async function openRelay(context: Context, site: Site, head: Head, pool: RunningPool): Promise<RelayState> {
  const at = headnodeOf(context, head);
  const keys = await relayKeys(at);
  const { name } = recordOf(context);
  const dir = siteDir(site.probe.base, name);
  await site.host.put(nodeFiles(keys).map(f => ({ ...f, path: `${dir}/${f.path}` })));
  context.journal.append({ type: 'intent', what: `let the headnode keep a relay open on ${site.host.name}` });
  const { address, port } = pool;
  const plan = async (keys: RelayKeys): Promise<RelayPlan> => ({
    ...{ pool: { address, port }, keys, ...(await sitesOf(context, site, head, at, keys)) },
  });
  const hasKey = keys.logins?.[site.spec.site] !== undefined;
  if (hasKey) await letRelayIn(site, dir, keys);
  let state = await opened(at, await plan(keys), site.spec.site);
  if (state?.state === 'open') return state;
  if (await keptHere(context, site, head)) state = await opened(at, await plan(keys), site.spec.site, true);
  if (state?.refused && head.host.address !== 'local') {
    if (!hasKey) state = await opened(at, await plan(await letRelayIn(site, dir, keys)), site.spec.site);
    if (state?.refused) {
      await closeToRelay(site, dir);
      await relay.configure(at, await plan(withoutLogin(keys, site.spec.site)));
      throw refusedWithKey(at, site, state);
    }
  }
  if (state?.state === 'open') return state;
  const why = state?.reason ?? 'it has not answered yet';
  throw new ScailfinError(`the relay to ${site.spec.site} is not open: ${why}`, {
    hint: state?.hint ?? hintFor(name, site, head),
  });
}

function hintFor(name: string, { spec }: Site, head: Head): string {
  const keeps = `the headnode keeps trying; to see whether it succeeds: scailfin status ${name}`;
  if (head.host.address !== 'local') return keeps;
  return `${keeps}; if the site asks for a code at each login: scailfin login ${spec.site}, then the same command again`;
}

async function opened(at: Headnode, plan: RelayPlan, site: string, isPatient = false): Promise<RelayState | undefined> {
  const states = await (isPatient ? relay.start(at, { ...plan, isPatient }) : bringUp(relay, at, plan));
  return states.find(s => s.site === site);
}

/**
 * Where a relay on this machine will need a login of its own, and the site asks the user something at each login: keeps the
 * login, which this command then uses, too, so that the user is asked once. A login for which nobody was asked is not kept.
 */
export async function keepBeforehand({ connections, sink, journal }: Context, spec: SiteSpec): Promise<void> {
  const { login } = spec.profile;
  const record = journal.record;
  const isRelayed = record?.head ? record.head.relay : record?.spec.relay;
  if (!isRelayed || record?.spec.headnode.kind !== 'local' || !login || !connections.prompter) return;
  const [target] = loginTargets(login, spec.user);
  if (!target) return;
  const [{ keepLogin }, { endKept, keptState }, { route }] = await Promise.all([
    import('../../hosts/kept/keep.js'),
    import('../../hosts/kept/reuse.js'),
    import('../../hosts/route.js'),
  ]);
  if (await keptState(route(target, {}))) return;
  const note = (text: string): void => sink({ type: 'note', text });
  const wanted = { target, auth: loginAuth(spec.profile), idleLimit: KEPT_FOR };
  try {
    const kept = await keepLogin(wanted, connections.prompter, note);
    if (kept.asked) note(keptNote(kept.name, spec.site));
    else await endKept(state => state.pid === kept.pid);
  } catch (error) {
    // another login node may answer
    if (!(error instanceof ConnectionError)) throw error;
  }
}

const keptNote = (name: string, site: string): string =>
  `the login is kept for the relay: ${name}, at most ${formatDuration(KEPT_FOR)} without use; if it ends, the pool is cut off until \`scailfin login ${site}\` (running jobs go on for ${formatDuration((AWAY_LIMIT * 2) / 3)})`;

/**
 * Keeps a login that the relay on this machine can use, if the user can be asked what the site asks. @returns whether there
 * is one now
 */
async function keptHere({ connections, sink }: Context, { spec }: Site, head: Head): Promise<boolean> {
  const { login } = spec.profile;
  if (head.host.address !== 'local' || !login || !connections.prompter) return false;
  const { keepLogin } = await import('../../hosts/kept/keep.js');
  const [target] = loginTargets(login, spec.user);
  if (!target) return false;
  const note = (text: string): void => sink({ type: 'note', text });
  note(`the relay needs a login of its own to ${target.host}, which is kept as long as the cluster uses it`);
  const wanted = { target, auth: loginAuth(spec.profile), idleLimit: KEPT_FOR };
  const kept = await keepLogin(wanted, connections.prompter, note);
  note(keptNote(kept.name, spec.site));
  return true;
}

/** All sites of the cluster, and the files that their connections need on the headnode. */
async function sitesOf(
  context: Context,
  site: Site,
  head: Head,
  at: Headnode,
  { logins }: RelayKeys,
): Promise<Pick<RelayPlan, 'sites' | 'files'>> {
  const { name, sites } = recordOf(context);
  const others = sites.filter(s => s.spec.site !== site.spec.site && s.facts && s.spec.profile.login);
  const files: FileToPut[] = [];
  const all: RelaySite[] = [];
  for (const { spec, base, user } of [
    { spec: site.spec, base: site.probe.base, user: site.probe.user },
    ...others.map(s => ({ spec: s.spec, base: s.facts?.base ?? '', user: s.facts?.user ?? '' })),
  ]) {
    const { login, network } = spec.profile;
    if (!login) continue;
    const about = {
      site: spec.site,
      dir: siteDir(base, name),
      ...(network.loginAddress ? { address: network.loginAddress } : {}),
    };
    const auth = loginAuth(spec.profile);
    if (head.host.address === 'local') {
      all.push({ ...about, targets: loginTargets(login, spec.user), ...(auth ? { auth } : {}) });
      continue;
    }
    const way = loginFrom({ spec, host: await context.connections.site(spec), probe: { user } }, head);
    if (!way) continue;
    const folder = `relay/sites/${spec.site}`;
    files.push(
      {
        path: `${folder}/known_hosts`,
        content: way.hostKeys.map(key => `scailfin-site ${key}\n`).join(''),
        mode: 0o600,
      },
      { path: `${folder}/config`, content: configFor(way.host, `${at.dir}/${folder}`), mode: 0o600 },
    );
    const targets = [{ host: way.host, port: way.port, user: way.user }];
    const key = logins?.[spec.site];
    if (key) files.push({ path: `${folder}/key`, content: key.private, mode: 0o600 });
    const byKey = { ownKey: true, auth: { identityFiles: [`${at.dir}/${folder}/key`], identitiesOnly: true } } as const;
    all.push({ ...about, targets, ...(key ? byKey : {}), configFile: `${at.dir}/${folder}/config` });
  }
  return { sites: all, files };
}

/** The headnode knows the site by the keys that this machine accepted; all else is as its user there has it. */
const configFor = (host: string, dir: string): string =>
  `Host ${host}
  HostKeyAlias scailfin-site
  UserKnownHostsFile "${dir}/known_hosts"
  GlobalKnownHostsFile /dev/null
  StrictHostKeyChecking yes
  ConnectTimeout 20
Host *
  Include ~/.ssh/config
`;
