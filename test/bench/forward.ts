import { connectCluster } from '../../src/cluster/kubernetes.ts';
import { openPortForward } from '../../src/cluster/port-forward.ts';

/** Our port-forward as a program of its own, as kubectl's is: pod and port in, the local port out. Ends with its stdin. */
const [name = '', port = ''] = process.argv.slice(2);
const cluster = await connectCluster({ env: process.env, homeDirectory: '/nonexistent', userAgent: 'bench' });
const over = new AbortController();
const forward = await openPortForward({ cluster, port: Number(port), findPod: async () => ({ name, namespace: cluster.target.namespace }), signal: over.signal });
process.stdout.write(`Forwarding from 127.0.0.1:${forward.localPort} -> ${port}\n`);
process.stdin.once('end', () => {
  over.abort();
  cluster.close();
});
process.stdin.resume();
