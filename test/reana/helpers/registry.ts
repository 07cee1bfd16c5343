import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { HostName, Lab } from '../../lab/lab.js';

const program = readFileSync(fileURLToPath(new URL('registry.py', import.meta.url)), 'utf8');

/** The image's layer, configuration and manifest (OCI image specification), and a certificate that this host trusts. */
const script = `set -eu
mkdir -p /srv/registry; cd /srv/registry
hash() { sha256sum "$1" | cut -d ' ' -f 1; }
blob() { mv "$1" "$(hash "$1")"; }
tar -C "$1" --owner 0 --group 0 -cf layer.tar .
diff=$(hash layer.tar)
gzip -1 layer.tar
layer=$(hash layer.tar.gz) layer_size=$(stat -c %s layer.tar.gz)
cat >config <<END
{"architecture":"amd64","os":"linux","config":{"Env":["PATH=/usr/bin:/bin","IMAGE_SAYS=hello"]},"rootfs":{"type":"layers","diff_ids":["sha256:$diff"]},"history":[{"created_by":"test"}]}
END
config=$(hash config) config_size=$(stat -c %s config)
cat >manifest <<END
{"schemaVersion":2,"mediaType":"application/vnd.docker.distribution.manifest.v2+json","config":{"mediaType":"application/vnd.docker.container.image.v1+json","size":$config_size,"digest":"sha256:$config"},"layers":[{"mediaType":"application/vnd.docker.image.rootfs.diff.tar.gzip","size":$layer_size,"digest":"sha256:$layer"}]}
END
printf 'sha256:%s' "$(hash manifest)" >digest
blob layer.tar.gz; blob config
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -subj "/CN=$2" -addext "subjectAltName=DNS:$2" -keyout key.pem -out cert.pem 2>/dev/null
cat cert.pem >>/etc/ssl/certs/ca-certificates.crt
`;

/** A registry on a host, which that host trusts; it ends with its lab. */
export class Registry {
  constructor(
    private readonly lab: Lab,
    private readonly host: HostName,
  ) {}

  static async start(lab: Lab, host: HostName, image: string): Promise<Registry> {
    const root = { user: 'root', timeoutMs: 60_000 };
    await lab.exec(host, ['sh', '-c', script, 'sh', image, host], root);
    await lab.write(host, '/srv/registry.py', program, { user: 'root' });
    const registry = new Registry(lab, host);
    await registry.serve();
    return registry;
  }

  /** Starts to answer; its log goes on. @param login `name:password`, without which it gives nothing */
  async serve(port = 5443, login = ''): Promise<void> {
    const root = { user: 'root', timeoutMs: 60_000 };
    const file = login ? `/srv/login-${port}` : '';
    if (login) await this.lab.write(this.host, file, login, { user: 'root', mode: 0o600 });
    const serve = `python3 /srv/registry.py /srv/registry ${port} lab/image ${file} >>/srv/log 2>&1 </dev/null &`;
    await this.lab.exec(this.host, ['sh', '-c', `setsid ${serve}`], root);
    const answers =
      'for _ in $(seq 100); do curl -sS https://"$1":"$2"/v2/ && exit; sleep 0.1; done; cat /srv/log >&2; exit 1';
    await this.lab.exec(this.host, ['sh', '-c', answers, 'sh', this.host, String(port)], root);
  }

  /** Another host trusts it, too. */
  async trustedBy(host: HostName): Promise<void> {
    const certificate = await this.lab.read(this.host, '/srv/registry/cert.pem', { user: 'root' });
    const script = 'cat >>/etc/ssl/certs/ca-certificates.crt';
    await this.lab.exec(host, ['sh', '-c', script], { user: 'root', stdin: certificate });
  }

  /** @param tag `none` is not there */
  image(tag: string): string {
    return `${this.host}:5443/lab/image:${tag}`;
  }

  /** How often the image's own data were asked for, layer and configuration. */
  async downloads(): Promise<number> {
    const { stdout } = await this.lab.exec(this.host, ['sh', '-c', 'grep -c "GET /v2/.*/blobs/" /srv/log || :'], {
      user: 'root',
    });
    return Number(stdout);
  }
}
