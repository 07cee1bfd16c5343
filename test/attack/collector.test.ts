import { afterAll, beforeAll, describe, expect } from 'vitest';
import { Lab, labUnavailable } from '../lab/lab.js';
import { until } from '../lab/programs.js';
import { attack } from './attack.js';
import { joined, scailfinUp } from './helpers/cluster.js';
import { asOwner, idOf, slot, stolen, Thief } from './helpers/thief.js';

const reason = labUnavailable();
const by = 'a stolen glide-in token';
const on = 'headnode';

describe.skipIf(reason !== undefined)(`the pool's collector${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let lab: Lab;
  let thief: Thief;
  let mine = '';
  let others = '';
  beforeAll(async () => {
    lab = await Lab.up();
    const address = await scailfinUp(lab, 'fort');
    const first = await stolen(lab, 'fort', 'b1');
    await lab.exec('headnode', ['scailfin', 'scale', 'fort', '--nodes', '2'], { timeoutMs: 100_000 });
    await until('a second glide-in', 60_000, async () => (await joined(lab, 'fort')) === 2);
    others = idOf(await stolen(lab, 'fort', 'b2'));
    mine = idOf(first);
    thief = await Thief.with(lab, first, address);
  });
  afterAll(async () => {
    await thief?.leave();
    await lab?.down();
  });

  const ads = async (...what: string[]): Promise<string[]> =>
    (await asOwner(lab, 'fort', ['condor_status', '-any', '-af:t', 'MyType', 'Name', ...what]))
      .split('\n')
      .filter(Boolean);
  const slots = async (...what: string[]): Promise<string[]> =>
    (await ads(...what)).filter(line => line.startsWith('Machine\tslot1@'));

  attack({ by, on, what: "withdraws all machines' ads from the pool" }, async count => {
    const before = await slots();
    expect(before).toHaveLength(2);
    const all = ['STARTD', 'MASTER', 'SCHEDD', 'SUBMITTOR', 'NEGOTIATOR', 'COLLECTOR', 'ACCOUNTING'];
    for (const kind of [...all, 'LICENSE', 'STORAGE', 'HAD', 'GRID']) {
      count();
      await thief.advertise(`INVALIDATE_${kind}_ADS`, { MyType: '"Query"', TargetType: '"Any"', Requirements: 'true' });
    }
    for (const line of before) {
      count();
      const name = line.split('\t')[1] as string;
      const query = { MyType: '"Query"', TargetType: '"Machine"', Name: `"${name}"`, MyAddress: '"<127.0.0.1:9>"' };
      await thief.advertise('INVALIDATE_STARTD_ADS', { ...query, Requirements: `Name == "${name}"` });
    }
    expect(await slots()).toEqual(before);
    expect((await ads()).filter(line => line.startsWith('Scheduler'))).toHaveLength(1);
  });

  attack(
    { by, on, what: "overwrites the ad of another submission's machine" },
    async count => {
      const victim = (await slots()).map(l => l.split('\t')[1] as string).find(name => name.includes(others)) as string;
      expect(victim).toMatch(/^slot1@/);
      const id = victim.split('@')[1]?.split('.')[0] as string;
      for (const more of [
        {},
        { ScailfinGlidein: `"${id}"` },
        { ScailfinGlidein: `"${id}.${others}@x"` },
        { ScailfinGlidein: `strcat("${id}")` },
      ])
        for (const type of ['"Machine"', '"StartD"', '"Slot"', '"Any"'])
          for (const command of ['UPDATE_STARTD_AD', 'UPDATE_STARTD_AD_WITH_ACK', 'MERGE_STARTD_AD']) {
            count();
            await thief.advertise(command, slot(victim, { ...more, MyType: type, Thief: 'true' }));
          }
      expect((await ads('Thief')).filter(line => line.endsWith('\ttrue'))).toEqual([]);
    },
    120_000,
  );

  attack({ by, on, what: 'advertises a machine of a name that is not its own, or under no name' }, async count => {
    const names = ['slot1@1.deadbeef@c1', 'slot1@c1', 'c1', '', `slot1@${others}`, `slot1@1.${others}@1.${mine}x@c1`];
    for (const name of [...names, `slot1@1x${mine}@c1`, `slot1@1.${mine.toUpperCase()}0@c1`]) {
      count();
      await thief.advertise('UPDATE_STARTD_AD', slot(name, { Thief: 'true' }));
    }
    expect((await ads('Thief')).filter(line => line.endsWith('\ttrue'))).toEqual([]);
  });

  attack({ by, on, what: 'advertises more cores or memory than its submission asked for' }, async count => {
    const name = `slot1@more.${mine}@c9`;
    for (const more of [
      ...[{ Cpus: '64', TotalSlotCpus: '64' }, { Cpus: '64' }, { TotalSlotCpus: '64' }, { Cpus: '8.5' }],
      ...[{ Memory: '999999' }, { TotalSlotMemory: '999999' }, { Cpus: 'undefined' }, { Cpus: '"8"' }],
      ...[
        { MyType: '"Slot"', Cpus: '64' },
        { MyType: '"machine"', Cpus: '64' },
      ],
    ]) {
      count();
      await thief.advertise('UPDATE_STARTD_AD', slot(name, { ...more, Thief: 'true' } as Record<string, string>));
    }
    expect((await ads('Thief')).filter(line => line.endsWith('\ttrue'))).toEqual([]);
    // what is asked for may be offered: the defence is no wall
    await thief.advertise('UPDATE_STARTD_AD', slot(name, { Thief: 'true' }));
    expect((await ads('Thief')).filter(line => line.endsWith('\ttrue'))).toHaveLength(1);
  });

  attack({ by, on, what: 'gets jobs for slots that are not a glide-in’s one' }, async count => {
    const odd = [
      slot(`slot2@more.${mine}@c9`),
      slot(`slot1_1@more.${mine}@c9`, { SlotType: '"Static"' }),
      slot(`slot1@static.${mine}@c9`, {
        SlotType: '"Static"',
        PartitionableSlot: 'false',
        ScailfinGlidein: '"static"',
      }),
      slot(`slot1@left.${mine}@c9`, { ScailfinLeft: 'true', ScailfinGlidein: '"left"' }),
    ];
    for (const ad of odd) {
      count();
      await thief.advertise('UPDATE_STARTD_AD', ad);
    }
    expect((await ads()).length).toBeGreaterThan(4);
    const constraint = (await asOwner(lab, 'fort', ['condor_config_val', 'NEGOTIATOR_SLOT_CONSTRAINT'])).trim();
    const matchable = await asOwner(lab, 'fort', ['condor_status', '-constraint', constraint, '-af', 'Name']);
    expect(matchable.split('\n').filter(name => /slot2@|slot1_|static|left/.test(name))).toEqual([]);
  });

  attack({ by, on, what: 'advertises daemons that are not machines' }, async count => {
    const before = (await ads()).filter(line => !line.startsWith('Machine') && !line.startsWith('StartD'));
    for (const kind of [
      'SCHEDD',
      'SUBMITTOR',
      'MASTER',
      'NEGOTIATOR',
      'COLLECTOR',
      'LICENSE',
      'STORAGE',
      'HAD',
      'GRID',
      'ACCOUNTING',
    ]) {
      count();
      await thief.advertise(`UPDATE_${kind}_AD`, { ...slot(`x.${mine}@c9`), MyType: `"${kind}"` });
    }
    count();
    await thief.advertise('UPDATE_AD_GENERIC', { ...slot(`x.${mine}@c9`), MyType: '"Generic"' });
    const after = (await ads()).filter(line => !line.startsWith('Machine') && !line.startsWith('StartD'));
    expect(after.filter(line => !before.includes(line))).toEqual([]);
  });
});
