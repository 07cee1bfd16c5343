import type { Command, JobQuery } from '../job.js';
import { nativeIds } from '../pbs-family/ids.js';

/**
 * Of the wanted ids, which are written as those of plain jobs, arrays and tasks, only those that are alive as such are
 * cancelled. This is not only faster: the server of OpenPBS 23.06 crashes if qdel names a plain job as an array. Its qdel
 * crashes, before it asks for anything, if it gets a plain job and a task of an array. So plain jobs and each array have a
 * qdel of their own.
 */
const CANCEL = `set -f
there=$(qselect -T -u "$1" -s EHQRSTUW) || exit
shift
there=$(printf '%s\\n' "$there" | sed -n 'p; s/\\[[0-9]*\\]/[]/p' | sort -u | awk -v "wanted= $* " '
  /^[0-9]/ && index(wanted, " " substr($0, 1, index($0 ".", ".") - 1) " ")')
status=0
end() { [ $# -eq 0 ] || qdel "$@" || status=$?; }
end $(printf '%s\\n' "$there" | grep -v '\\[')
for array in $(printf '%s\\n' "$there" | sed -n 's/\\[.*//p' | sort -u); do
  end $(printf '%s\\n' "$there" | grep "^$array\\[")
done
exit "$status"`;

export const cancel = (ids: readonly string[], { user }: JobQuery): Command => ({
  argv: ['sh', '-c', CANCEL, 'pbs-cancel', user, ...ids.flatMap(nativeIds)],
});
