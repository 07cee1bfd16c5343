import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { CommandError, ConnectionError } from '../../src/errors.js';
import type { Host, Output, RunOptions } from '../../src/hosts/host.js';
import { LocalHost } from '../../src/hosts/local.js';
import { compareMachines, machineText, parseMachine, thisMachine } from '../../src/hosts/machine.js';
import { neighbourSettings } from '../../src/hosts/neighbour.js';
import { PinnedHost, UnreachedError } from '../../src/hosts/pinned.js';
import { runScript } from '../../src/hosts/script.js';
import { sshSettings } from '../../src/hosts/sshconfig.js';
import { templateText } from '../../src/templates.js';

const here = thisMachine();
const elsewhere = { name: 'login1', boot: '11111111-2222-3333-4444-555555555555' };

describe('a machine', () => {
  it('is described alike by the script and by this process', async () => {
    const { stdout } = await runScript(new LocalHost(), `${templateText('site/machine.sh')}\nmachine`, []);
    expect(parseMachine(stdout)).toEqual(here);
    expect(here.boot).toMatch(/^[0-9a-f-]{36}(\.\d+)?$/);
  });

  it('is the same one, was restarted, or is another one', () => {
    const boots = (known: string, found: string, names: [string, string] = ['a', 'a']) =>
      compareMachines({ name: names[0], boot: known }, { name: names[1], boot: found });
    expect(boots('b1', 'b1')).toBe('same');
    expect(boots('b1', 'b1', ['a', 'renamed'])).toBe('same');
    expect(boots('b1', 'b2')).toBe('restarted');
    expect(boots('b1', 'b2', ['a', 'b'])).toBe('other');
    // two containers of one kernel
    expect(boots('b1.1', 'b1.2')).toBe('other');
    expect(boots('b1.1', 'b2.1')).toBe('restarted');
    // a name that many machines have
    expect(boots('b1', 'b2', ['localhost', 'localhost'])).toBe('other');
    expect(boots('b1', 'b2', ['localhost.localdomain', 'localhost.localdomain'])).toBe('other');
    // what an older scailfin did not ask
    expect(boots('unknown', 'b2')).toBe('same');
    expect(boots('unknown', 'b2', ['a', 'b'])).toBe('other');
  });

  it.each(['', 'a', 'a b c', '-oProxyCommand=x b', 'a;b c', 'a\tb', `a ${'b'.repeat(200)}`, 'a$(x) b'])(
    'is not described by %j',
    text => {
      expect(parseMachine(text)).toBeUndefined();
    },
  );
});

/** This machine under another identity: what the guard says comes from `is`. */
class Pretender extends LocalHost {
  readonly ran: (readonly string[])[] = [];

  constructor(private readonly is: typeof here) {
    super();
  }

  override async run(argv: readonly string[], options: RunOptions = {}): Promise<Output> {
    const at = argv.indexOf('on-machine');
    if (at >= 0 && argv[at + 2] !== machineText(this.is))
      return { stdout: `${argv[at + 1]} ${machineText(this.is)}\n`, stderr: '', exitCode: 95 };
    const command = at < 0 ? argv : argv.slice(at + 3);
    this.ran.push(command);
    return super.run(command, options);
  }
}

describe('a host that is pinned to a machine', () => {
  const hint = 'wait';
  const never = async (): Promise<Host> => {
    throw new Error('no hop was needed');
  };

  it('runs commands there at once, without a round trip more', async () => {
    const local = new LocalHost();
    const host = new PinnedHost(local, here, { hop: never, hint });
    expect((await host.run(['echo', 'it is'])).stdout).toBe('it is\n');
    expect((await host.run(['cat'], { stdin: 'more' })).stdout).toBe('more');
    expect([local.roundTrips, host.restarted, host.name]).toEqual([2, false, 'this machine']);
  });

  it('names the command itself if that fails, and a status of 95 is the command’s own', async () => {
    const host = new PinnedHost(new LocalHost(), here, { hop: never, hint });
    const error = await host.run(['sh', '-c', 'echo no >&2; exit 95']).catch(e => e);
    expect(error).toBeInstanceOf(CommandError);
    expect(error.command).toBe("sh -c 'echo no >&2; exit 95'");
    expect(error.exitStatus).toBe(95);
  });

  it('runs nothing on another machine, and everything by the hop', async () => {
    const [wrong, right] = [new Pretender({ name: 'login2', boot: 'b2' }), new Pretender(elsewhere)];
    const host = new PinnedHost(wrong, elsewhere, { hop: async () => right, hint });
    await Promise.all([host.run(['true']), host.run(['true']), host.put([])]);
    expect(wrong.ran).toEqual([]);
    expect(right.ran.length).toBeGreaterThan(0);
  });

  it('runs commands on a machine that was restarted, and says so', async () => {
    const again = new Pretender({ ...elsewhere, boot: 'b9' });
    const host = new PinnedHost(again, elsewhere, { hop: never, hint });
    await host.run(['true']);
    expect([host.restarted, again.ran]).toEqual([true, [['true']]]);
  });

  it('is unknown if the hop fails, or ends at a third machine; a later command tries again', async () => {
    const wrong = new Pretender({ name: 'login2', boot: 'b2' });
    const third = new Pretender({ name: 'login3', boot: 'b3' });
    let tries = 0;
    const hop = async (): Promise<Host> => {
      tries += 1;
      if (tries === 1) throw new ConnectionError('connection refused');
      return third;
    };
    const host = new PinnedHost(wrong, elsewhere, { hop, hint });
    const first = await host.run(['true']).catch(e => e);
    expect(first).toBeInstanceOf(UnreachedError);
    expect(first.message).toBe(
      "it is on the machine login1, but this machine is login2 this time, and from there it can't be reached: connection refused",
    );
    expect(first.hint).toBe(hint);
    await expect(host.run(['true'])).rejects.toThrow(/that name means login3 there/);
    expect([tries, wrong.ran, third.ran]).toEqual([2, [], []]);
  });
});

describe('the settings of a neighbour', () => {
  const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOjVHzZbWgFqQ0BRWtCVL6Vq6Yq4wkmJaGgJvMz1rCQu';
  const dir = mkdtempSync(join(tmpdir(), 'scailfin-neighbour-'));
  afterAll(() => rmSync(dir, { recursive: true }));
  const settings = (known: string) => {
    const [config, keys] = [join(dir, 'config'), join(dir, 'known')];
    writeFileSync(keys, known);
    writeFileSync(
      config,
      `Host login\n  User alice\n  IdentityFile /k\n  ProxyJump door\n  UserKnownHostsFile ${keys}\n`,
    );
    return sshSettings({ host: 'login', port: 2222 }, { configFile: config });
  };

  it('are those of the host, and its key is known by the name that both share', () => {
    expect(neighbourSettings(settings(`[login]:2222 ${key}\n`), 'login1')).toMatchObject({
      ...{ host: 'login1', alias: 'login1', port: 2222, user: 'alice', identityFiles: ['/k'], jumps: [] },
      hostKeyAlias: '[login]:2222',
    });
    expect(neighbourSettings(settings(`login ${key}\n`), 'login1').hostKeyAlias).toBe('login');
  });

  it('use its own key if there is one', () => {
    const known = `[login1]:2222 ${key}\n`;
    expect(neighbourSettings(settings(known), 'login1').hostKeyAlias).toBeUndefined();
  });

  it('are refused for what can not be a name', () => {
    expect(() => neighbourSettings(settings(''), '-oProxyCommand=x')).toThrow(/can't be a host's name/);
  });
});
