# weigh.awk: decides how many glide-ins a site should have. A grid job is a batch job at the site, which brings `nodes`
# glide-ins; `queued`, `running`, `held`, `submit` and `remove` count batch jobs, and all other numbers count glide-ins.
# Reads five files of tab-separated lines: jobs known as unfit (until, id), batch jobs that ended (site, id, when),
# slots, grid jobs, idle jobs (largest first).
# Prints NAME=VALUE lines; `fresh` is printed once for each job newly found unfit.
BEGIN { many = 1e9 }
FILENAME ~ /\/unfit$/ { if ($1 > now) isUnfit[$2] = 1; next }
FILENAME ~ /\/ended$/ { if ($1 == site) ended[$2] = $3; next }
FILENAME ~ /\/slots$/ {
  if ($1 != site) next
  # the pool still shows a glide-in that could not say goodbye; one that was heard from since then is there
  job = $2
  sub(/_[0-9]+$/, "", job)
  if ((job in ended && $9 <= ended[job]) || ($2 in ended && $9 <= ended[$2])) next
  joined++
  known[$2] = 1
  if ($5 > seen_cores) seen_cores = $5 + 0
  if ($8 > seen_memory) seen_memory = $8 + 0
  free[++bins] = $6 == "true" ? $3 : 0
  room[bins] = $4
  age[bins] = $7
  if ($3 < $5) isBusy[$2] = 1
  next
}
FILENAME ~ /\/grid$/ {
  if ($1 != site || $2 !~ /^[0-9]+\.[0-9]+$/) next
  if ($3 == 5) { held++; if ($4 ~ /^[0-9]/) running++; next }
  # HTCondor queries the site only now and then: a glide-in that is in the pool is running, whatever the last query said
  if ($3 == 2 || ($3 == 1 && $4 in known)) { running++; runs[++nRuns] = $2; batch[$2] = $4; next }
  if ($3 == 1) { queued++; queue[++nQueue] = $2; if ($6 ~ /^[0-9]/) away = 1 }
  next
}
FILENAME ~ /\/idle$/ {
  if (!begun++) begin()
  # a job's own attributes may contain line ends
  if ($3 !~ /^[0-9]+\.[0-9]+$/) next
  # a job that names sites, but not this one, is left for the others
  if ($6 ~ /ScailfinSite/ && index($6, "\"" site "\"") == 0) next
  c = $1 + 0
  m = $2 + 0
  if (c > cores || m > memory || isUnfit[$3]) { unfit++; next }
  for (b = 1; b <= bins; b++) if (free[b] >= c && room[b] >= m) break
  # the job was refused although there was room for it, for some time: another glide-in will not help it
  if (b <= joined && $4 > 15 && age[b] > 15 && $5 ~ /^[0-9]+$/ && $5 < 20) {
    printf "fresh=%d %s\n", now + 3600, $3
    unfit++
    next
  }
  waiting++
  if (b > bins && bins < joined + coming + more) { free[++bins] = cores; room[bins] = memory }
  if (b > bins) next
  free[b] -= c
  room[b] -= m
  used[b] = 1
}
END {
  if (!begun) begin()
  needed = 0
  for (b = joined + coming + 1; b <= bins; b++) if (used[b]) needed++
  spare = 0
  for (b = joined + 1; b <= joined + coming; b++) if (!used[b]) spare++
  want = active + needed
  if (want < min) want = min
  if (want > max) want = max
  over = active - max
  if (spare > queued * nodes) spare = queued * nodes
  if (spare > active - min) spare = active - min
  # a batch job ends as a whole
  drop = int(spare / nodes)
  least = int((over + nodes - 1) / nodes)
  if (least > drop) drop = least
  # queued ones are cancelled first, the newest before the others; of the running ones, those without a job
  ids = ""
  for (i = nQueue; i > 0 && drop > 0; i--) { ids = ids " " queue[i]; drop-- }
  for (round = 0; round < 2 && over > 0; round++)
    for (i = nRuns; i > 0 && drop > 0; i--)
      if (isBusy[batch[runs[i]]] + 0 == round) { ids = ids " " runs[i]; drop-- }
  printf "submit=%d\nremove=%s\naway=%s\n", int((want - active + nodes - 1) / nodes), ids, away ? "yes" : ""
  printf "seen_cores=%d\nseen_memory=%d\n", seen_cores, seen_memory
  printf "queued=%d\nrunning=%d\nheld=%d\njoined=%d\nwaiting=%d\nunfit=%d\n", queued, running, held, joined, waiting, unfit
}
# called before the first idle job is read: glide-ins that are still coming also have room
function begin() {
  active = queued * nodes + (running * nodes > joined ? running * nodes : joined)
  coming = active - joined
  more = max - active
  if (more < 0) more = 0
  # the size is what the last glide-in had; if none came yet, what the profile says; if it says nothing, one fits all jobs
  if (seen_cores) cores = seen_cores
  if (seen_memory) memory = seen_memory
  if (cores == 0) cores = many
  if (memory == 0) memory = many
  for (b = 1; b <= coming; b++) { free[++bins] = cores; room[bins] = memory }
}
