import { known, limit, type Survey } from '../survey.js';

/** Slots that are split for jobs, and static slots. */
const SLOTS = `condor_status -constraint 'PartitionableSlot =?= True || SlotType =?= "Static"' -af TotalSlotCpus TotalSlotMemory |
  sort | uniq -c | sort -rn | head -n 1`;

/** HTCondor has neither queues nor a way to test a job. */
export const survey: Survey = {
  title: 'HTCondor',
  programs: ['condor_submit', 'condor_q', 'condor_rm'],
  version: {
    command: { argv: ['condor_version'] },
    parse: out => (out.exitCode === 0 ? /^\$CondorVersion: (\S+)/m.exec(out.stdout)?.[1] : undefined),
  },
  node: {
    command: { argv: ['sh', '-c', SLOTS] },
    parse(out) {
      const [, cores, memory] = /^ *\d+ (\d+) (\d+)$/m.exec(out.stdout) ?? [];
      return known({ cores: limit(cores), memory: limit(memory) });
    },
  },
};
