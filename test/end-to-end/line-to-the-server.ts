import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { issueServerCertificate, type RealCluster } from '../cluster/real/cluster.ts';

/** A line between one command and the API server that a test can cut. It knows no HTTP: whatever goes through goes through. */
export interface LineToTheServer {
  kubeconfig: string;
  /** Ends every connection, and new ones, until it is mended. */
  cut(): void;
  mend(): void;
  /** How often the server has said over it that a version is too old. */
  expiredCount(): number;
  close(): Promise<void>;
}

/** Who uses it logs in by token: a client's certificate ends where the line begins. */
export const openLine = async (cluster: RealCluster, kubeconfig: string): Promise<LineToTheServer> => {
  const text = await readFile(kubeconfig, 'utf8');
  const server = /https:\/\/[^"]+/.exec(text)?.[0] ?? '';
  const { hostname, port } = new URL(server);
  const ca = await readFile(cluster.certificateAuthority.certificateFile);
  const { certificateFile, keyFile } = await issueServerCertificate(cluster, `line-${randomBytes(4).toString('hex')}`, ['127.0.0.1']);
  const open = new Set<TLSSocket>();
  let isCut = false;
  let expired = 0;

  const countExpired = (): ((piece: Buffer) => void) => {
    const sign = '"code":410';
    let rest = '';
    return (piece) => {
      const seen = rest + piece.toString('latin1');
      expired += seen.split(sign).length - 1;
      rest = seen.slice(Math.max(seen.lastIndexOf(sign) + sign.length, seen.length - sign.length + 1));
    };
  };
  const listener = createServer({ cert: await readFile(certificateFile), key: await readFile(keyFile) }, (client) => {
    if (isCut) return void client.destroy();
    const upstream = connect({ host: hostname, port: Number(port), ca });
    for (const [socket, other] of [[client, upstream], [upstream, client]] as const) {
      open.add(socket);
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        open.delete(socket);
        other.destroy();
      });
      socket.pipe(other);
    }
    upstream.on('data', countExpired());
  });
  listener.on('tlsClientError', () => {});
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const ownKubeconfig = `${kubeconfig}-line-${(listener.address() as AddressInfo).port}`;
  await writeFile(ownKubeconfig, text.replaceAll(server, `https://127.0.0.1:${(listener.address() as AddressInfo).port}`), { mode: 0o600 });

  const endAll = (): void => {
    for (const socket of open) socket.destroy();
  };
  return {
    kubeconfig: ownKubeconfig,
    cut() {
      isCut = true;
      endAll();
    },
    mend() {
      isCut = false;
    },
    expiredCount: () => expired,
    async close() {
      listener.close();
      endAll();
    },
  };
};
