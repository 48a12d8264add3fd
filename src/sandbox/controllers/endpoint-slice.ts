import { matchesLabelSelector } from '../kube/selectors.ts';
import { createController } from './controller.ts';
import type { Objects, Pod } from './object-types.ts';
import { change, controllerOf, controllerReference, create, isDeleted, isFinished, isReady, list } from './objects.ts';

type Service = Objects['services'];
type EndpointSlice = Objects['endpointslices.discovery.k8s.io'];
type Endpoint = NonNullable<EndpointSlice['endpoints']>[number];

/** Where a Service leads: one slice with the addresses of its pods. https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/ */
export const endpointSliceController = createController({
  name: 'endpoint-slice-controller',
  resource: 'services',
  affectedBy: ({ resource, object }, store) => (resource === 'pods' ? list(store, 'services', object.metadata.namespace).filter(({ spec }) => matches(spec, object.metadata.labels)) : []),
  reconcile(service, { store }) {
    const { namespace, name } = service.metadata;
    if (!service.spec?.selector || isDeleted(service)) return;
    const pods = list(store, 'pods', namespace).filter((pod) => matches(service.spec, pod.metadata.labels) && pod.status?.podIP !== undefined && !isFinished(pod));
    const content = { endpoints: pods.map((pod) => toEndpoint(pod, service)), ports: portsOf(service, pods) };
    const slice = list(store, 'endpointslices.discovery.k8s.io', namespace).find((candidate) => controllerOf(candidate)?.uid === service.metadata.uid);
    if (slice) {
      change(store, 'endpointslices.discovery.k8s.io', slice, (draft) => {
        Object.assign(draft, content);
      });
      return;
    }
    create(store, 'endpointslices.discovery.k8s.io', {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: {
        generateName: `${name}-`,
        ...(namespace === undefined ? {} : { namespace }),
        labels: { 'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io', 'kubernetes.io/service-name': name },
        ownerReferences: [controllerReference(service)],
      },
      addressType: 'IPv4',
      ...content,
    });
  },
});

const matches = (spec: Service['spec'], labels: Record<string, string> | undefined): boolean => spec?.selector !== undefined && matchesLabelSelector({ matchLabels: spec.selector }, labels);

const toEndpoint = (pod: Pod, { spec }: Service): Endpoint => {
  const { namespace, name, uid } = pod.metadata;
  const serving = isReady(pod);
  const terminating = isDeleted(pod);
  return {
    addresses: [pod.status?.podIP ?? ''],
    conditions: { ready: spec?.publishNotReadyAddresses === true || (serving && !terminating), serving, terminating },
    ...(pod.spec?.nodeName === undefined ? {} : { nodeName: pod.spec.nodeName }),
    ...(pod.spec?.hostname === undefined ? {} : { hostname: pod.spec.hostname }),
    targetRef: { kind: 'Pod', name, uid, ...(namespace === undefined ? {} : { namespace }) },
  };
};

/** A target port may be the name of a container's port. */
const portsOf = ({ spec }: Service, pods: readonly Pod[]): NonNullable<EndpointSlice['ports']> =>
  (spec?.ports ?? []).flatMap(({ name = '', port, protocol = 'TCP', targetPort = port }) => {
    const named = pods.flatMap((pod) => pod.spec?.containers ?? []).flatMap(({ ports = [] }) => ports);
    const number = typeof targetPort === 'number' ? targetPort : named.find((candidate) => candidate.name === targetPort)?.containerPort;
    return number === undefined ? [] : [{ name, port: number, protocol }];
  });
