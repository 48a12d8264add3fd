import { AccessError, ConflictError, type ErrorDetails, FailedError, type KaitoError, NotFoundError, PreflightError, UsageError } from '../domain/errors.ts';
import { describeQuestion, type Question, toCanIArguments } from './question.ts';
import type { Refusal } from './refusal.ts';

/** Who refused: for the sentences, and so that the commands they recommend reach the same cluster. */
export interface Server {
  url: string;
  contextName: string;
  clusterName: string;
  /** The kubeconfig's user entry. */
  userName: string;
  /** `kubectl`, with the flags that lead it to this cluster. */
  kubectl: string;
}

type Translation = (refusal: Refusal, question: Question, server: Server) => KaitoError;

/** Every refusal of the API as one of `domain/errors.ts`. The server's own words are always kept as the fact. */
export const toKaitoError = (refusal: Refusal, question: Question, server: Server): KaitoError => {
  const told = wordings.find(({ words }) => words.test(refusal.message));
  if (told !== undefined) return told.translate(refusal, question, server);
  const translate = byReason[refusal.reason] ?? byCode[refusal.code] ?? (refusal.code >= 500 ? serverFailed : failed);
  return translate(refusal, question, server);
};

/** Loses nothing: what the server said is the fact, and the refusal itself stays as the cause. */
const details = (refusal: Refusal, reason: string, hints: string[] = []): ErrorDetails => ({
  reason,
  fact: refusal.message,
  hints,
  cause: refusal,
});

const unauthorized: Translation = (refusal, _question, server) =>
  new AccessError(
    `The API server ${server.url} does not accept the credentials of the kubeconfig user ${JSON.stringify(server.userName)}.`,
    details(refusal, 'Unauthorized', toLoginHints(server)),
  );

/** `az aks get-credentials` names its users `clusterUser_<resource group>_<cluster>`, so the way to new ones can be read back. */
export const toLoginHints = ({ userName, clusterName }: Pick<Server, 'userName' | 'clusterName'>): string[] => {
  const [, resourceGroup] = userName.endsWith(`_${clusterName}`) ? (/^cluster(?:User|Admin)_(.+)$/.exec(userName.slice(0, -clusterName.length - 1)) ?? []) : [];
  return [
    ...(resourceGroup === undefined ? [] : [`az aks get-credentials --resource-group ${resourceGroup} --name ${clusterName} --overwrite-existing`]),
    'Log in again the way this cluster was set up: az login, or a new kubeconfig',
  ];
};

const forbidden: Translation = (refusal, question, { kubectl }) => {
  const missing: Question = { ...question, verb: toMissingVerb(refusal, question) };
  const { subresource } = missing;
  return new AccessError(
    `Not permitted: ${missing.verb} ${subresource === undefined ? '' : `the ${subresource} of `}${describeQuestion(missing)}${inNamespace(missing)}.`,
    details(refusal, 'Forbidden', [
      `${kubectl} auth can-i ${toCanIArguments(missing)}`,
      'Ask the administrator of the cluster for that permission',
    ]),
  );
};

/** An apply needs `create` as well where the object is new, and so does a port-forward, of which only older servers do not ask it. */
const toMissingVerb = ({ message }: Refusal, { verb, subresource }: Question): Question['verb'] => {
  if (/ cannot create resource "/.test(message)) return 'create';
  return subresource === 'portforward' && / is forbidden:\s*$/.test(message) ? 'create' : verb;
};

/** `UnknownResource` when the path as such does not exist: an API that this cluster does not serve. */
const notFound: Translation = (refusal, question, { url, kubectl }) => {
  // The server says this of groups that it does not have, as of any other path.
  const isForeignGroup = question.resource.apiVersion.includes('/') && refusal.message === '404 page not found';
  if (refusal.reason === '' && !isForeignGroup) {
    const hints = [`Check the server's address: ${kubectl} cluster-info`];
    return new NotFoundError(`${url} answers, but not as a Kubernetes API server.`, details(refusal, 'UnknownResource', hints));
  }
  if (refusal.name === undefined) {
    const { plural, apiVersion } = question.resource;
    return new NotFoundError(`The cluster does not know ${plural} in ${apiVersion}.`, details(refusal, 'UnknownResource', [`${kubectl} api-resources`]));
  }
  if (refusal.kind === 'namespaces' && question.kind !== 'Namespace') {
    const hints = [`${kubectl} create namespace ${refusal.name}`];
    return new NotFoundError(`There is no namespace ${refusal.name}.`, details(refusal, 'NamespaceNotFound', hints));
  }
  return new NotFoundError(`There is no ${describeQuestion(question)}${inNamespace(question)}.`, details(refusal, 'NotFound'));
};

const conflict: Translation = (refusal, question, { kubectl }) => {
  const { causes } = refusal;
  const owned = causes.filter((cause) => cause.reason === 'FieldManagerConflict');
  if (owned.length === 0) {
    const hints = ['Run the same command again'];
    return new ConflictError(`${describeQuestion(question)} was changed by somebody else at the same moment.`, details(refusal, 'Conflict', hints));
  }
  const managers = Map.groupBy(owned, ({ message }) => /conflict with "([^"]*)"/.exec(message)?.[1] ?? 'another manager');
  const told = [...managers].map(([manager, fields]) => `${manager} (${fields.map(({ field }) => field).join(', ')})`);
  return new ConflictError(`${describeQuestion(question)} has fields that are managed by ${told.join(' and ')}.`, {
    ...details(refusal, 'FieldManagerConflict', [
      `See who manages what: ${kubectl} get ${question.resource.plural} ${question.name ?? ''} -o yaml --show-managed-fields${toFlag(question)}`,
      'Take the fields over: run the same command with --force-conflicts',
    ]),
  });
};

const alreadyExists: Translation = (refusal, question) =>
  new ConflictError(`${describeQuestion(question)} exists already${inNamespace(question)}.`, details(refusal, 'AlreadyExists'));

const invalid: Translation = (refusal, question) =>
  new UsageError(`The API server does not accept ${describeQuestion(question)}: ${toCauses(refusal)}`, { ...details(refusal, 'Invalid'), fact: shortenValues(refusal.message) });

const toCauses = ({ causes, message }: Refusal): string =>
  shortenValues(causes.length === 0 ? message : causes.map(({ field, message: words }) => (field === '' ? words : `${field}: ${words}`)).join('; '));

/** An immutable field comes with all that it holds, which for a pod template is several pages. */
const shortenValues = (words: string): string => words.replaceAll(/(Invalid value: \{.{80}).*?(\}: )/gs, (_all, beginning: string, end: string) => `${beginning}…${end}`);

const waiting: Translation = (refusal, question) =>
  new FailedError(`The container of ${describeQuestion(question)} has not started yet.`, details(refusal, 'ContainerWaiting'));

const busy: Translation = (refusal, _question, { url }) =>
  new FailedError(`The API server ${url} is too busy to answer.`, details(refusal, refusal.reason || 'TooManyRequests', ['Run the same command again in a minute']));

const expired: Translation = (refusal, question) =>
  new FailedError(`The list of ${question.resource.plural} grew too old while it was read.`, details(refusal, 'Expired'));

const serverFailed: Translation = (refusal, question, { url }) =>
  new FailedError(
    `The API server ${url} failed to ${question.verb} ${describeQuestion(question)}.`,
    details(refusal, refusal.reason || 'ServerFailed', ['Run the same command again in a minute']),
  );

const failed: Translation = (refusal, question, { url }) =>
  new FailedError(
    `The API server ${url} refused to ${question.verb} ${describeQuestion(question)}: ${refusal.message}`,
    details(refusal, refusal.reason || 'Refused'),
  );

const byReason: Record<string, Translation> = {
  Unauthorized: unauthorized,
  Forbidden: forbidden,
  NotFound: notFound,
  AlreadyExists: alreadyExists,
  Conflict: conflict,
  Invalid: invalid,
  Expired: expired,
  Gone: expired,
  TooManyRequests: busy,
  ServerTimeout: busy,
  ServiceUnavailable: busy,
};

const byCode: Record<number, Translation> = {
  401: unauthorized,
  403: forbidden,
  404: notFound,
  409: conflict,
  410: expired,
  422: invalid,
  429: busy,
  503: busy,
};

const refusedByPolicy =
  (reason: string, toHints: (kubectl: string, question: Question) => string[] = () => []): Translation =>
  (refusal, question, { kubectl }) =>
    new PreflightError(`A policy of the cluster refuses ${describeQuestion(question)}${inNamespace(question)}.`, {
      ...details(refusal, reason, [...toHints(kubectl, question), 'Ask the administrator of the cluster for an exception, or use another namespace']),
    });

/** Told by their words alone: policies come under 400, 403 and 422 with whatever reason their author chose, and the kubelet knows only 400. */
const wordings: { words: RegExp; translate: Translation }[] = [
  // A 500 without a reason, although the object is to blame. An older cluster does not know newer fields.
  { words: /field not declared in schema/, translate: invalid },
  { words: /admission webhook "[^"]*" denied the request/, translate: refusedByPolicy('AdmissionDenied') },
  { words: /ValidatingAdmissionPolicy '[^']*' with binding '[^']*' denied request/, translate: refusedByPolicy('AdmissionDenied') },
  { words: /violates PodSecurity "/, translate: refusedByPolicy('PodSecurity') },
  {
    words: /exceeded quota: /,
    translate: refusedByPolicy('ExceededQuota', (kubectl, question) => [`${kubectl} describe resourcequota${toFlag(question)}`]),
  },
  {
    words: /failed calling webhook "/,
    translate: (refusal, question, { kubectl }) =>
      new FailedError(`The API server could not ask an admission webhook about ${describeQuestion(question)}.`, details(refusal, 'WebhookFailed', [`See which one and why: ${kubectl} get validatingwebhookconfigurations,mutatingwebhookconfigurations`])),
  },
  {
    words: /because it is being terminated/,
    translate: (refusal, question) =>
      new ConflictError(
        `The namespace ${question.namespace ?? ''} is being deleted.`,
        details(refusal, 'NamespaceTerminating', ['Wait until it is gone, or use another namespace']),
      ),
  },
  // https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/kubelet/kubelet_pods.go (validateContainerLogStatus)
  { words: /^container "[^"]*" in pod "[^"]*" is (waiting to start|not available)/, translate: waiting },
  {
    words: /^previous terminated container "[^"]*" in pod "[^"]*" not found/,
    translate: (refusal, question) =>
      new NotFoundError(`No earlier container of ${describeQuestion(question)} has left a log.`, details(refusal, 'NoPreviousContainer')),
  },
  {
    words: /^(a container name must be specified for pod|container \S+ is not valid for pod) /,
    translate: (refusal, question) =>
      new UsageError(`${describeQuestion(question)} has no such container, or several to choose from.`, details(refusal, 'ContainerName')),
  },
];

const toFlag = ({ namespace }: Question): string => (namespace === undefined ? '' : ` -n ${namespace}`);

const inNamespace = ({ resource, namespace }: Question): string => (resource.namespaced && namespace !== undefined ? ` in namespace ${namespace}` : '');
