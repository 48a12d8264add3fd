import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { addressesOf } from './addresses.ts';
import { runTool } from './tools.ts';

interface CertificateRequest {
  /** Of the files: `<name>.crt` and `<name>.key`. */
  name: string;
  authority?: string;
  commonName?: string;
  organization?: string;
  usage: 'authority' | 'signing-key' | 'client' | 'server';
  /** Names and addresses that a server answers for. */
  hosts?: readonly string[];
}

export const issueCertificates = async (folder: string, requests: readonly CertificateRequest[]): Promise<void> => {
  await runTool([join(folder, 'kube'), 'certificates', join(folder, 'pki'), JSON.stringify(requests)]);
};

/** Clients, by the name of their certificate and kubeconfig. */
const clients = {
  admin: { commonName: 'kubernetes-admin', organization: 'system:masters' },
  'controller-manager': { commonName: 'system:kube-controller-manager' },
  scheduler: { commonName: 'system:kube-scheduler' },
  'kube-proxy': { commonName: 'system:kube-proxy' },
  dns: { commonName: 'cluster-dns', organization: 'system:masters' },
} as const;

export const issueControlPlane = async (folder: string, addresses: ReturnType<typeof addressesOf>): Promise<void> => {
  const apiNames = ['localhost', 'kubernetes', 'kubernetes.default', 'kubernetes.default.svc', 'kubernetes.default.svc.cluster.local'];
  await issueCertificates(folder, [
    { name: 'ca', usage: 'authority', commonName: 'kubernetes-ca' },
    { name: 'front-ca', usage: 'authority', commonName: 'front-proxy-ca' },
    { name: 'service-accounts', usage: 'signing-key' },
    { name: 'apiserver', authority: 'ca', usage: 'server', commonName: 'kube-apiserver', hosts: [...apiNames, '127.0.0.1', addresses.server, addresses.apiService] },
    { name: 'apiserver-kubelet', authority: 'ca', usage: 'client', commonName: 'kube-apiserver-kubelet-client', organization: 'system:masters' },
    { name: 'front', authority: 'front-ca', usage: 'client', commonName: 'front-proxy-client' },
    ...Object.entries(clients).map(([name, subject]) => ({ name, authority: 'ca', usage: 'client' as const, ...subject })),
  ]);
  for (const name of Object.keys(clients)) writeKubeconfig(folder, addresses.server, name);
};

export const issueKubelet = async (folder: string, server: string, node: string): Promise<void> => {
  await issueCertificates(folder, [{ name: `kubelet-${node}`, authority: 'ca', usage: 'client', commonName: `system:node:${node}`, organization: 'system:nodes' }]);
  writeKubeconfig(folder, server, `kubelet-${node}`);
};

const writeKubeconfig = (folder: string, server: string, name: string): void => {
  const read = (file: string) => readFileSync(join(folder, 'pki', file)).toString('base64');
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'cluster', cluster: { server: `https://${server}:6443`, 'certificate-authority-data': read('ca.crt') } }],
    users: [{ name, user: { 'client-certificate-data': read(`${name}.crt`), 'client-key-data': read(`${name}.key`) } }],
    contexts: [{ name, context: { cluster: 'cluster', user: name } }],
    'current-context': name,
  };
  writeFileSync(join(folder, `${name}.kubeconfig`), JSON.stringify(config, null, 2), { mode: 0o600 });
};
