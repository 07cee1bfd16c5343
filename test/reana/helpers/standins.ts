/**
 * Programs of container runtimes that can't be had. Each refuses arguments that the real one would not take like this, and
 * runs an image by Charliecloud.
 * @param image the directory that takes the place of every image
 */
export const standInsFor = (image: string) => ({
  shifter: `#!/bin/sh
# --image=docker:NAME, --volume=FROM:/TOP, --, command
[ "$1" = --version ] && { echo 'unrecognized option' >&2; exit 1; }
image= bind=
while :; do
  case $1 in
    --image=docker:*) [ -e "/tmp/shifter/$(echo "\${1#*docker:}" | tr / _)" ] || { echo "FAILED to lookup docker image" >&2; exit 1; }; image=${image} ;;
    --volume=*:/*/*) echo 'Invalid Volume Map: not at the top' >&2; exit 1 ;;
    --volume=*) bind="$bind --bind $(echo "\${1#*=}" | sed s/:ro$//)"; echo "$1" >>/tmp/volumes ;;
    --) shift; break ;;
    *) echo "unknown $1" >&2; exit 1 ;;
  esac
  shift
done
exec ch-run -W $bind "$image" -- "$@"
`,
  shifterimg: `#!/bin/sh
case "$1 $2" in
  'lookup docker:'*) cat "/tmp/shifter/$(echo "\${2#docker:}" | tr / _)" 2>/dev/null ;;
  'pull docker:docker.io/lab/none:'*) echo '2026-11-22T10:00:00 Pulling Image: docker:lab/none, status: FAILURE'; exit 1 ;;
  'pull docker:'*) echo pulled >>/tmp/pulls; mkdir -p /tmp/shifter; echo abcdef >"/tmp/shifter/$(echo "\${2#docker:}" | tr / _)" ;;
  *) exit 64 ;;
esac
`,
  'podman-hpc': `#!/bin/sh
# run --rm --interactive --name NAME --network=host --entrypoint /bin/sh --volume FROM:TO… IMAGE -s
case "$1 $2" in
  --version*) echo 'podman-hpc, version 1.1.0'; exit ;;
  'image exists') [ -e "/tmp/podman-$(echo "$3" | tr / _)" ]; exit ;;
  'pull docker.io/lab/none'*) echo 'Error: manifest unknown' >&2; exit 125 ;;
  pull*) echo pulled >>/tmp/pulls; : >"/tmp/podman-$(echo "$2" | tr / _)"; exit ;;
  'rm --force') exit ;;
  'run --rm') shift 2 ;;
  *) exit 125 ;;
esac
set -- "$@" end
binds= entry=
while [ "$1" != end ]; do
  case $1 in
    --interactive | --network=host) ;;
    --rootfs) ;;
    --name) shift ;;
    --entrypoint) entry=$2; shift ;;
    --volume) binds="$binds --bind $(echo "$2" | sed s/:ro$//)"; echo "$2" >>/tmp/volumes; shift ;;
    -*) echo "Error: unknown flag: $1" >&2; exit 125 ;;
    *) [ "$2 $3" = '-s end' ] || exit 125; break ;;
  esac
  shift
done
exec ch-run -W --unset-env='*' $binds ${image} -- "$entry" -s
`,
  aprun: `#!/bin/sh
# -b -n 1 -d DEPTH -- command
[ "$1 $2 $3 $4 $6" = '-b -n 1 -d --' ] || { echo "aprun: bad arguments: $*" >&2; exit 1; }
echo "$5" >>/tmp/aprun
shift 6
exec "$@"
`,
});
