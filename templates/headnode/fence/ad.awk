# Reads a job's description as the schedd gives it to a shadow: a line `Name = EXPRESSION` for each attribute, strings in
# quotes. Copies it to the file `copy`, and prints one line for each place that the job needs to see: HOW PATH, where HOW
# is as in fence_place or one of these: `log`, a file to write to, which nobody can replace by a link; `link`, a file in
# the job's directory that may be a link to elsewhere. `spool` is HTCondor's SPOOL. Exits with 1 if the job has no
# directory, or has an attribute twice.

# returns a string that needs no unescaping; other values name no file that is shown
function text(name,   value) {
  value = ad[tolower(name)]
  if (value !~ /^"[^"\\]*"$/) return ""
  return substr(value, 2, length(value) - 2)
}
# returns the absolute path without `.` and `..`
function whole(path,   parts, n, i, kept, out) {
  if (path !~ /^\//) path = directory "/" path
  n = split(path, parts, "/")
  for (i = 2; i <= n; i++) {
    if (parts[i] == "..") { if (kept > 0) kept-- }
    else if (parts[i] != "" && parts[i] != ".") stack[++kept] = parts[i]
  }
  for (i = 1; i <= kept; i++) out = out "/" stack[i]
  return out == "" ? "/" : out
}
function parent(path) { sub(/\/+[^\/]*$/, "", path); return path == "" ? "/" : path }
function is_inside(path) { return substr(path, 1, length(directory) + 1) == directory "/" }
# files in the job's directory are visible with it; only the inputs of steps are read-only
function show(how, path) {
  if (path == "" || path ~ /^[A-Za-z][A-Za-z0-9+.-]*:\/\//) return
  path = whole(path)
  # /dev/null is always there
  if ((path "/") ~ /^\/dev\//) return
  if (is_inside(path)) { if (how == "ro") how = "link"; else if (how == "rw") return } else if (how == "in") how = "ro"
  if (!(path in shown)) print how, path
  shown[path]
}
{
  print >copy
  at = index($0, " = ")
  if (at == 0) next
  name = tolower(substr($0, 1, at - 1))
  if (name in ad) twice = 1
  ad[name] = substr($0, at + 3)
}
END {
  directory = text("Iwd")
  if (twice || directory !~ /^\//) exit 1
  directory = whole(directory)
  # A spooled job brings all of its files, and its directory is below the number of its cluster of jobs. Output is moved
  # from one directory to another there, so this must be one mount.
  if (ad["clusterid"] ~ /^[0-9]+$/) spooled = spool "/" (ad["clusterid"] % 10000)
  if (spooled != "" && substr(directory, 1, length(spooled) + 1) == spooled "/") { show("rw", spooled); exit 0 }
  show("rw", directory)
  if (spooled != "") show("rw", spooled)
  # the other directories of its output, and its log
  show("rw", parent(whole(text("Out"))))
  show("rw", parent(whole(text("Err"))))
  n = split(text("TransferOutputRemaps"), remaps, ";")
  for (i = 1; i <= n; i++) if (sub(/^[^=]*= */, "", remaps[i])) show("rw", parent(whole(remaps[i])))
  show("log", text("UserLog"))
  show("log", text("DAGManNodesLog"))
  if (ad["transferexecutable"] !~ /^[Ff]/) show("ro", text("Cmd"))
  show("ro", text("In"))
  show("ro", text("X509UserProxy"))
  n = split(text("TransferInput"), inputs, ",")
  for (i = 1; i <= n; i++) { gsub(/^ +| +$/, "", inputs[i]); show("ro", inputs[i]) }
  n = split(text("ScailfinReads"), inputs, ",")
  for (i = 1; i <= n; i++) show("in", inputs[i])
}
