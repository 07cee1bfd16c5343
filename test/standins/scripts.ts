/** The scripts that were submitted where the recordings were made, by file name. */
export const torqueScripts: Record<string, string> = {
  'pilot.sh': `#!/bin/bash
#PBS -N pilot-abc123
#PBS -q batch
#PBS -l nodes=1:ppn=1
#PBS -l walltime=00:05:00
#PBS -l mem=64mb
#PBS -A acct42
#PBS -o /home/alice/jobs/pilot.out
#PBS -e /home/alice/jobs/pilot.err
#PBS -m n
#PBS -r n
#PBS -v FOO=bar,BAZ=qux
#PBS -S /bin/bash
echo "== env"
`,
  'arr.sh': `#!/bin/bash
#PBS -N arr3
#PBS -l nodes=1:ppn=1,walltime=00:05:00
#PBS -t 1-3
env
`,
  'envV.sh': `#!/bin/bash
#PBS -N envv
#PBS -l nodes=1:ppn=2,walltime=60
#PBS -j oe
#PBS -V
#PBS -d /tmp
env
`,
};

export const pbsScripts: Record<string, string> = {
  'pilot.sh': `#!/bin/bash
#PBS -N pilot-abc123
#PBS -q workq
#PBS -l select=1:ncpus=1:mem=64mb
#PBS -l walltime=00:05:00
#PBS -A acct42
#PBS -P proj42
#PBS -o /home/alice/jobs/pilot.out
#PBS -e /home/alice/jobs/pilot.err
#PBS -m n
#PBS -r n
#PBS -v "FOO=bar,LIST='a,b'"
#PBS -S /bin/bash
echo "== env"
`,
  'arr.sh': `#!/bin/bash
#PBS -N arr3
#PBS -l walltime=00:05:00
#PBS -J 1-3
env
`,
  'old.sh': `#!/bin/bash
#PBS -N old_syntax
#PBS -l nodes=1:ppn=2,walltime=60
#PBS -j oe
#PBS -V
env
`,
};

export const lsfScripts: Record<string, string> = {
  'pilot.sh': `#!/bin/bash
#BSUB -J pilot-abc123
#BSUB -q normal
#BSUB -n 1
#BSUB -W 0:05
#BSUB -P proj42
#BSUB -o /home/alice/jobs/pilot.%J.out
#BSUB -e /home/alice/jobs/pilot.%J.err
#BSUB -L /bin/bash
echo "== env"
`,
  'arr.sh': `#!/bin/bash
#BSUB -J "arr3[1-3]"
#BSUB -W 5
#BSUB -o /home/alice/jobs/arr.%J.%I.out
env | grep -E "^(LS|LSB|TMPDIR)" | sort
sleep 12
exit $LSB_JOBINDEX
`,
};
