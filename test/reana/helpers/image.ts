import type { HostName, Lab } from '../../lab/lab.js';

/**
 * What an image for steps has: a shell, and the programs that tests use. Images are packed again and again, so none of these
 * needs OpenSSL's library, which would be half of an image: hence `b2sum`, and not `sha256sum`.
 */
const programs =
  'bash dash cat ls rm ln mv cp chmod sleep env touch mkdir id printf seq head dd true kill sed sort stat sync wc tr ' +
  'setsid truncate base64 b2sum pwd';

const script = `set -eu
image=$1
[ ! -d "$image" ] || exit 0
mkdir -p "$image/usr/bin" "$image/usr/lib" "$image/usr/lib64" "$image/dev" "$image/proc" "$image/sys" "$image/etc" "$image/tmp" "$image/var/tmp"
for link in bin lib lib64; do ln -s "usr/$link" "$image/$link"; done
for name in ${programs}; do
  program=$(readlink -f "/usr/bin/$name")
  cp -L "$program" "$image/usr/bin/$name"
  ldd "$program" | grep -o '/lib[^ )]*' >>"$image/libraries" || :
done
sort -u "$image/libraries" | while read -r library; do
  mkdir -p "$image/usr$(dirname "$library")"
  cp -L "$library" "$image/usr$library"
done
rm "$image/libraries"
ln -s dash "$image/usr/bin/sh"
for file in passwd group resolv.conf hosts; do : >"$image/etc/$file"; done
echo this is the image >"$image/etc/image"
`;

/** Makes a small image out of the host's own programs, as a directory. Again is fine. */
export async function makeImage(lab: Lab, host: HostName, path: string, user = 'alice'): Promise<string> {
  await lab.exec(host, ['sh', '-c', script, 'sh', path], { user, timeoutMs: 120_000 });
  return path;
}
