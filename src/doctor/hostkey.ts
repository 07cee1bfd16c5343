import { Connections } from '../cluster/connections.js';
import { HostKeyError } from '../errors.js';
import { type HostKeyNote, ok, type Stage, skipped } from './stage.js';

/**
 * Begins the real connection, and reports how the host keys on the way were accepted; the login itself is the next stage.
 */
export const hostkey: Stage = {
  id: 'hostkey',
  title: 'Host key',

  async run(context) {
    const { patient, prompter, facts, options } = context;
    if (!patient.login) return skipped('the site is this machine');
    const way = facts.get('way');
    const notes: HostKeyNote[] = [];
    const said: string[] = [];
    let settled = (): void => {};
    const all = new Promise<void>(resolve => {
      settled = resolve;
    });
    const connections = new Connections(prompter, {
      transport: options.transport,
      onNote: text => said.push(text),
      onHostKey: (alias, verdict) => {
        notes.push({ alias, ...verdict });
        if (alias === way.hops.at(-1)?.alias) settled();
      },
    });
    const login = { ...patient.login, hosts: [way.host] };
    const connecting = connections.site({ profile: { name: patient.name, login }, user: patient.user });
    facts.learn({ connecting });
    let failure: unknown;
    const ended = connecting.then(
      () => {},
      (error: unknown) => {
        failure = error;
      },
    );
    await Promise.race([all, ended]);
    if (failure !== undefined && (failure instanceof HostKeyError || notes.length === 0)) throw failure;
    if (notes.length === 0) said.push('checked when the kept login was made (scailfin login)');
    return ok([...notes.map(inWords), ...said].join('; '));
  },
};

function inWords({ alias, type, fingerprint, place }: HostKeyNote): string {
  return `${alias}: ${type} ${fingerprint}, ${place === undefined ? 'now remembered' : `known from ${place}`}`;
}
