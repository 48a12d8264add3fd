import { StatusError } from './errors.ts';

/** Something of Kubernetes that the sandbox does not do. */
export interface Limit {
  what: string;
  /** Why, or what there is instead. */
  note: string;
  /** Requests that are refused with 501 because of it; absent: it shows in answers. */
  paths?: RegExp;
}

const group = (...names: string[]): RegExp => new RegExp(String.raw`^/apis/(?:${names.join('|').replaceAll('.', String.raw`\.`)})(?:/|$)`);
const kind = (root: string, ...plurals: string[]): RegExp => new RegExp(`^/${root}/(?:namespaces/[^/]+/)?(?:${plurals.join('|')})(?:/|$)`);
const below = (plural: string, ...subresources: string[]): RegExp => new RegExp(`/${plural}/[^/]+/(?:${subresources.join('|')})(?:/|$)`);

/** All that is known to be missing. `docs/sandbox.md` is written from it. */
export const limits: readonly Limit[] = [
  { what: 'Commands inside containers: `exec`, `attach`, ephemeral containers, `cp`', note: 'Containers play recordings; there is no shell in them.', paths: below('pods', 'exec', 'attach', 'ephemeralcontainers') },
  { what: 'Programs other than those that `tune` and `serve` start', note: 'The image is pulled, and the container fails as one does whose command is not in its image.' },
  { what: 'Requests to pods, Services and nodes through the API server (`proxy`)', note: 'Forward a port instead.', paths: below('(?:pods|services|nodes)', 'proxy') },
  { what: 'Evictions, bindings and resizing of pods', note: 'Delete a pod instead of evicting it. A drained node deletes its pods by itself.', paths: below('pods', 'eviction', 'binding', 'resize') },
  { what: 'Tokens of ServiceAccounts', note: 'The one login is the administrator of the printed kubeconfig; act as others with `--as`.', paths: below('serviceaccounts', 'token') },
  { what: 'Reviews of other users’ rights and tokens', note: '`auth can-i VERB RESOURCE --as USER` works, `auth can-i --list` does not.', paths: kind('apis/authorization.k8s.io/v1', 'subjectaccessreviews', 'localsubjectaccessreviews', 'selfsubjectrulesreviews') },
  { what: 'Reviews of tokens', note: 'See above.', paths: kind('apis/authentication.k8s.io/v1', 'tokenreviews') },
  { what: 'CronJobs, ReplicationControllers, ControllerRevisions, PodTemplates', note: 'Nothing here makes or needs them.', paths: /^\/(?:apis\/batch\/v1|apis\/apps\/v1|api\/v1)\/(?:namespaces\/[^/]+\/)?(?:cronjobs|replicationcontrollers|controllerrevisions|podtemplates|componentstatuses)(?:\/|$)/ },
  { what: 'Quotas and ranges of a namespace', note: 'Nothing is limited but GPUs, by the nodes that are there.', paths: kind('api/v1', 'resourcequotas', 'limitranges') },
  { what: 'Storage drivers and attachments', note: 'Claims are bound to volumes as a class without a driver would.', paths: kind('apis/storage.k8s.io/v1', 'csidrivers', 'csinodes', 'csistoragecapacities', 'volumeattachments', 'volumeattributesclasses') },
  {
    what: 'API groups that nothing here uses: networking, policy, autoscaling, admission, certificates, scheduling, flow control, device allocation, aggregation',
    note: 'Webhooks and admission policies do not run, and a priority class is a name without a meaning.',
    paths: group('networking.k8s.io', 'policy', 'autoscaling', 'admissionregistration.k8s.io', 'certificates.k8s.io', 'scheduling.k8s.io', 'node.k8s.io', 'flowcontrol.apiserver.k8s.io', 'resource.k8s.io', 'apiregistration.k8s.io', 'events.k8s.io'),
  },
  { what: 'Metrics, profiles and logs of the API server itself', note: 'There is no such server.', paths: /^\/(?:metrics|debug|logs)(?:\/|$)/ },
  { what: 'OpenAPI version 2, and schemas in version 3', note: 'Fields are validated by the server all the same; `kubectl explain` has nothing to show.', paths: /^\/openapi\/v2$/ },
  { what: 'Port-forwarding in base64, the oldest of its protocols', note: 'Answered with 501. Channels, SPDY and SPDY inside of a WebSocket are spoken.' },
  { what: 'Protobuf of other kinds than ConfigMap, Secret, Namespace and the reviews of one’s own rights', note: 'Answered with 501. JSON and YAML are understood for all kinds; answers are JSON. Where `kubectl create deployment` or `create job` sends protobuf, `--dry-run=client -o yaml` gives what `kubectl apply -f -` takes.' },
  { what: 'Who owns the fields that controllers write', note: 'Their writes leave no entry in `managedFields`.' },
  { what: 'The lines that differ, in a refusal of a change to a pod or to a claim', note: 'The refusal itself is the same.' },
  { what: 'Go’s own words for a YAML text that cannot be read', note: 'Code and reason are the same.' },
  { what: 'The inner names of fields, where a refusal shows a whole part of an object', note: 'It is shown as it was sent, and long ones are not compared.' },
  { what: 'Hashes of pod templates', note: 'They follow from the template, and are other ones than in a real cluster.' },
  { what: 'Tokens and tolerations that are added to every pod', note: 'No container here calls the API, and nodes go only with their pools.' },
];

export const notImplemented = (what: string): StatusError => new StatusError(501, 'NotImplemented', `the sandbox does not have this: ${what}`, {});

/** Refuses a path that a real server would answer, so that nobody takes its absence for that of a cluster. */
export const refuseBeyondLimits = (path: string): void => {
  const limit = limits.find(({ paths }) => paths?.test(path));
  if (limit) throw notImplemented(limit.what);
};
