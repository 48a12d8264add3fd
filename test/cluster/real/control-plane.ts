import { insideFolder } from './files.ts';
import type { addressesOf } from './addresses.ts';
import type { SupervisedCommand } from './supervisor.ts';

type Addresses = ReturnType<typeof addressesOf>;

export const controlPlaneComponents = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kube-proxy', 'dns'] as const;
export type ControlPlaneComponent = (typeof controlPlaneComponents)[number];

const kube = `${insideFolder}/kube`;
const kubeconfig = (name: string): string => `${insideFolder}/${name}.kubeconfig`;
const pki = (file: string): string => `${insideFolder}/pki/${file}`;

/** How each is started. Ports are the usual ones: the network namespace is the cluster's own. */
export const controlPlaneCommand = (component: ControlPlaneComponent, addresses: Addresses): SupervisedCommand => ({
  name: component,
  argv: [kube, component, ...flags[component](addresses)],
});

const flags: Record<ControlPlaneComponent, (addresses: Addresses) => string[]> = {
  etcd: () => [
    '--name=etcd',
    `--data-dir=${insideFolder}/etcd`,
    '--unsafe-no-fsync', // Nothing here is meant to outlive a power cut.
    '--listen-client-urls=http://127.0.0.1:2379',
    '--advertise-client-urls=http://127.0.0.1:2379',
    '--listen-peer-urls=http://127.0.0.1:2380',
    '--initial-advertise-peer-urls=http://127.0.0.1:2380',
    '--initial-cluster=etcd=http://127.0.0.1:2380',
    '--log-level=warn',
  ],
  'kube-apiserver': ({ server, services }) => [
    '--bind-address=0.0.0.0',
    `--advertise-address=${server}`,
    '--secure-port=6443',
    '--etcd-servers=http://127.0.0.1:2379',
    `--service-cluster-ip-range=${services}`,
    '--authorization-mode=Node,RBAC',
    '--enable-admission-plugins=NodeRestriction',
    '--allow-privileged=true',
    `--client-ca-file=${pki('ca.crt')}`,
    `--tls-cert-file=${pki('apiserver.crt')}`,
    `--tls-private-key-file=${pki('apiserver.key')}`,
    '--service-account-issuer=https://kubernetes.default.svc.cluster.local',
    `--service-account-key-file=${pki('service-accounts.pub')}`,
    `--service-account-signing-key-file=${pki('service-accounts.key')}`,
    `--kubelet-client-certificate=${pki('apiserver-kubelet.crt')}`,
    `--kubelet-client-key=${pki('apiserver-kubelet.key')}`,
    '--kubelet-preferred-address-types=InternalIP',
    `--requestheader-client-ca-file=${pki('front-ca.crt')}`,
    '--requestheader-allowed-names=front-proxy-client',
    '--requestheader-extra-headers-prefix=X-Remote-Extra-',
    '--requestheader-group-headers=X-Remote-Group',
    '--requestheader-username-headers=X-Remote-User',
    `--proxy-client-cert-file=${pki('front.crt')}`,
    `--proxy-client-key-file=${pki('front.key')}`,
    '--shutdown-delay-duration=0s',
  ],
  'kube-controller-manager': () => [
    '--bind-address=127.0.0.1',
    `--kubeconfig=${kubeconfig('controller-manager')}`,
    '--leader-elect=false',
    '--use-service-account-credentials',
    `--service-account-private-key-file=${pki('service-accounts.key')}`,
    `--root-ca-file=${pki('ca.crt')}`,
    `--cluster-signing-cert-file=${pki('ca.crt')}`,
    `--cluster-signing-key-file=${pki('ca.key')}`,
    '--node-monitor-grace-period=20s', // A stopped kubelet is noticed in half the usual time.
  ],
  'kube-scheduler': () => ['--bind-address=127.0.0.1', `--kubeconfig=${kubeconfig('scheduler')}`, '--leader-elect=false'],
  // One for all nodes, since they share the network namespace. Counters of connections are the machine's: leave them.
  'kube-proxy': ({ server, pods }) => [
    `--kubeconfig=${kubeconfig('kube-proxy')}`,
    '--hostname-override=kube-proxy',
    '--proxy-mode=iptables',
    `--bind-address=${server}`,
    `--cluster-cidr=${pods}`,
    '--metrics-bind-address=127.0.0.1:10249',
    '--conntrack-max-per-core=0',
    '--conntrack-min=0',
    '--conntrack-tcp-timeout-established=0s',
    '--conntrack-tcp-timeout-close-wait=0s',
  ],
  dns: () => [`${insideFolder}/Corefile`],
};

/** Names of the cluster, then those in the hosts file, and every other name is known not to exist. */
export const corefile = ({ server }: Addresses): string => `cluster.local:53 {
    bind ${server}
    errors
    kubernetes cluster.local {
        kubeconfig ${kubeconfig('dns')}
        pods insecure
    }
}
.:53 {
    bind ${server}
    errors
    hosts ${insideFolder}/hosts {
        reload 500ms
        fallthrough
    }
    file ${insideFolder}/root.zone .
}
`;

export const rootZone = '. 60 IN SOA a.root-servers.net. nobody.invalid. 1 1800 900 604800 60\n. 60 IN NS a.root-servers.net.\n';
