import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { toConnectionError } from '../../src/cluster/connection-errors.ts';
import { type Server, toKaitoError, toLoginHints } from '../../src/cluster/errors.ts';
import { apiResources } from '../../src/cluster/kinds.ts';
import type { Question } from '../../src/cluster/question.ts';
import { parseRefusal } from '../../src/cluster/refusal.ts';
import { toStatus } from './support.ts';

const server: Server = { url: 'https://api.example:6443', contextName: 'dev', clusterName: 'my_cluster', userName: 'clusterUser_my_group_my_cluster', kubectl: 'kubectl --context dev' };
const question: Question = { verb: 'patch', kind: 'Deployment', resource: apiResources.Deployment, namespace: 'team-a', name: 'web' };
const translate = (code: number, reason: string, message: string, details?: object, about: Question = question) => toKaitoError(parseRefusal(code, JSON.stringify(toStatus(code, reason, message, details))), about, server);

const refusals: [string, [number, string, string, object?], { name: string; reason: string; message?: string | RegExp }][] = [
  ['an expired login', [401, 'Unauthorized', 'Unauthorized'], { name: 'AccessError', reason: 'Unauthorized' }],
  ['RBAC', [403, 'Forbidden', 'deployments.apps "web" is forbidden: User "jane" cannot patch resource "deployments" in API group "apps" in the namespace "team-a"'], { name: 'AccessError', reason: 'Forbidden', message: 'Not permitted: patch Deployment/web in namespace team-a.' }],
  ['RBAC that lets change and not make', [403, 'Forbidden', 'deployments.apps "web" is forbidden: User "jane" cannot create resource "deployments" in API group "apps" in the namespace "team-a"'], { name: 'AccessError', reason: 'Forbidden', message: 'Not permitted: create Deployment/web in namespace team-a.' }],
  ['a missing object', [404, 'NotFound', 'deployments.apps "web" not found', { name: 'web', kind: 'deployments' }], { name: 'NotFoundError', reason: 'NotFound', message: 'There is no Deployment/web in namespace team-a.' }],
  ['a missing API', [404, 'NotFound', 'the server could not find the requested resource', {}], { name: 'NotFoundError', reason: 'UnknownResource', message: 'The cluster does not know deployments in apps/v1.' }],
  ['an object that exists', [409, 'AlreadyExists', 'deployments.apps "web" already exists', { name: 'web' }], { name: 'ConflictError', reason: 'AlreadyExists' }],
  ['a race', [409, 'Conflict', 'Operation cannot be fulfilled on deployments.apps "web": the object has been modified', { name: 'web' }], { name: 'ConflictError', reason: 'Conflict' }],
  ['a server without time', [504, 'Timeout', 'request did not complete within the allotted timeout'], { name: 'FailedError', reason: 'Timeout' }],
  ['a busy server', [429, 'TooManyRequests', 'too many requests'], { name: 'FailedError', reason: 'TooManyRequests' }],
  ['a broken server', [500, 'InternalError', 'Internal error occurred: etcdserver: leader changed'], { name: 'FailedError', reason: 'InternalError' }],
  ['an object too large', [413, 'RequestEntityTooLarge', 'Request entity too large: limit is 3145728'], { name: 'FailedError', reason: 'RequestEntityTooLarge' }],
  ['a container that is not there yet', [400, 'BadRequest', 'container "push" in pod "web-1" is waiting to start: ContainerCreating'], { name: 'FailedError', reason: 'ContainerWaiting' }],
  ['a container that still initialises', [400, 'BadRequest', 'container "push" in pod "web-1" is waiting to start: PodInitializing'], { name: 'FailedError', reason: 'ContainerWaiting' }],
  ['a container whose image is missing', [400, 'BadRequest', `container "push" in pod "web-1" is waiting to start: trying and failing to pull image`], { name: 'FailedError', reason: 'ContainerWaiting' }],
  ['a container that is not known yet', [400, 'BadRequest', 'container "push" in pod "web-1" is not available'], { name: 'FailedError', reason: 'ContainerWaiting' }],
  ['an earlier container that never was', [400, 'BadRequest', 'previous terminated container "push" in pod "web-1" not found'], { name: 'NotFoundError', reason: 'NoPreviousContainer' }],
  ['a container that has to be chosen', [400, 'BadRequest', 'a container name must be specified for pod web-1, choose one of: [a b]'], { name: 'UsageError', reason: 'ContainerName' }],
  ['a container of another name', [400, 'BadRequest', 'container nope is not valid for pod web-1'], { name: 'UsageError', reason: 'ContainerName' }],
  ['a field that the cluster does not know', [500, '', 'failed to create typed patch object (team-a/web; apps/v1, Kind=Deployment): .spec.brandNew: field not declared in schema'], { name: 'UsageError', reason: 'Invalid', message: /\.spec\.brandNew: field not declared in schema$/ }],
  ['any other bad request', [400, 'BadRequest', 'strict decoding error: unknown field "spec.x"'], { name: 'FailedError', reason: 'BadRequest', message: /unknown field "spec.x"/ }],
  ['a webhook', [403, 'Forbidden', 'admission webhook "validation.gatekeeper.sh" denied the request: [azurepolicy-limits] container has no memory limit'], { name: 'PreflightError', reason: 'AdmissionDenied' }],
  ['a webhook with a code of its own', [400, 'BadRequest', 'admission webhook "x.example" denied the request: no'], { name: 'PreflightError', reason: 'AdmissionDenied' }],
  ['an admission policy', [422, 'Invalid', `deployments.apps "web" is forbidden: ValidatingAdmissionPolicy 'limits' with binding 'all' denied request: too many replicas`], { name: 'PreflightError', reason: 'AdmissionDenied' }],
  ['pod security', [403, 'Forbidden', 'pods "web" is forbidden: violates PodSecurity "restricted:latest": privileged'], { name: 'PreflightError', reason: 'PodSecurity' }],
  ['a resource quota', [403, 'Forbidden', 'pods "web" is forbidden: exceeded quota: team, requested: requests.nvidia.com/gpu=1, used: requests.nvidia.com/gpu=4, limited: requests.nvidia.com/gpu=4'], { name: 'PreflightError', reason: 'ExceededQuota' }],
  ['a webhook that is down', [500, 'InternalError', 'Internal error occurred: failed calling webhook "x.example": connect: connection refused'], { name: 'FailedError', reason: 'WebhookFailed' }],
  ['a namespace on its way out', [403, 'Forbidden', 'deployments.apps "web" is forbidden: unable to create new content in namespace team-a because it is being terminated'], { name: 'ConflictError', reason: 'NamespaceTerminating' }],
];
test.each(refusals)('%s has an error of its own, with the words of the server as the fact', (_title, given, { name, reason, message }) => {
  const error = translate(...given);
  expect(error).toMatchObject({ name, reason, fact: given[2] });
  if (message !== undefined) expect(error.message).toMatch(message);
});

test('a refusal by RBAC names the command that asks the same', () => {
  expect(translate(403, 'Forbidden', 'no').hints[0]).toBe('kubectl --context dev auth can-i patch deployments.apps -n team-a');
  const { namespace: _everywhere, name: _all, ...everywhere } = question;
  expect(translate(403, 'Forbidden', 'no', {}, { ...everywhere, verb: 'list' }).hints[0]).toBe('kubectl --context dev auth can-i list deployments.apps --all-namespaces');
  const logs: Question = { verb: 'get', kind: 'Pod', resource: apiResources.Pod, namespace: 'team-a', name: 'web', subresource: 'log' };
  expect(translate(403, 'Forbidden', 'no', {}, logs).hints[0]).toBe('kubectl --context dev auth can-i get pods --subresource log -n team-a');
  expect(translate(403, 'Forbidden', 'no', {}, { verb: 'list', kind: 'Node', resource: apiResources.Node }).hints[0]).toBe('kubectl --context dev auth can-i list nodes');
});

test('a conflict of apply names the managers, their fields, and both ways out', () => {
  const error = translate(409, 'Conflict', 'Apply failed with 3 conflicts: …', {
    causes: [
      { reason: 'FieldManagerConflict', message: 'conflict with "kubectl" using apps/v1', field: '.spec.replicas' },
      { reason: 'FieldManagerConflict', message: 'conflict with "hpa" using apps/v1', field: '.spec.minReadySeconds' },
      { reason: 'FieldManagerConflict', message: 'conflict with "kubectl" using apps/v1', field: '.spec.paused' },
    ],
  });
  expect(error).toMatchObject({ name: 'ConflictError', reason: 'FieldManagerConflict', message: 'Deployment/web has fields that are managed by kubectl (.spec.replicas, .spec.paused) and hpa (.spec.minReadySeconds).' });
  expect(error.hints.join('\n')).toMatch(/kubectl --context dev get deployments web -o yaml --show-managed-fields -n team-a[^]*--force-conflicts/);
});

test('what is invalid is said field by field', () => {
  const error = translate(422, 'Invalid', 'Deployment.apps "web" is invalid: […]', {
    causes: [
      { reason: 'FieldValueRequired', message: 'Required value', field: 'spec.selector' },
      { reason: 'FieldValueInvalid', message: 'Invalid value: -1: must be greater', field: 'spec.replicas' },
    ],
  });
  expect(error).toMatchObject({ name: 'UsageError', message: 'The API server does not accept Deployment/web: spec.selector: Required value; spec.replicas: Invalid value: -1: must be greater' });
});

test('a login that AKS made is renewed by a command that names its group and cluster', () => {
  expect(toLoginHints(server)[0]).toBe('az aks get-credentials --resource-group my_group --name my_cluster --overwrite-existing');
  expect(toLoginHints({ userName: 'jane', clusterName: 'my_cluster' })).toHaveLength(1);
});

test.each([
  ['an HTML page', 502, '<html><head><title>502 Bad Gateway</title></head></html>', '502 Bad Gateway'],
  ['plain text', 404, '404 page not found\n', '404 page not found'],
  ['nothing', 500, '', 'HTTP 500'],
  ['half a Status', 500, '{"kind":"Status"}', ''],
])('%s in place of a Status still makes an error', (_title, code, body, fact) => {
  expect(toKaitoError(parseRefusal(code, body), question, server)).toMatchObject({ fact });
});

const broken: [string, string, string, RegExp][] = [
  ['ECONNREFUSED', 'FailedError', 'ConnectionRefused', /refuses connections/],
  ['ENOTFOUND', 'FailedError', 'UnknownHost', /cannot be resolved/],
  ['EAI_AGAIN', 'FailedError', 'UnknownHost', /cannot be resolved/],
  ['ETIMEDOUT', 'FailedError', 'ConnectTimeout', /does not answer/],
  ['EHOSTUNREACH', 'FailedError', 'ConnectTimeout', /does not answer/],
  ['ECONNRESET', 'FailedError', 'ConnectionLost', /broke the connection off/],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'FailedError', 'CertificateUntrusted', /signed by nobody trusted/],
  ['SELF_SIGNED_CERT_IN_CHAIN', 'FailedError', 'CertificateUntrusted', /signed by nobody trusted/],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'FailedError', 'CertificateUntrusted', /signed by nobody trusted/],
  ['CERT_HAS_EXPIRED', 'FailedError', 'CertificateExpired', /not valid at this time/],
  ['CERT_NOT_YET_VALID', 'FailedError', 'CertificateExpired', /not valid at this time/],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'FailedError', 'CertificateNameMismatch', /for another name/],
  ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', 'AccessError', 'ClientCertificate', /client certificate/],
  ['ERR_SSL_WRONG_VERSION_NUMBER', 'FailedError', 'TlsFailed', /TLS/],
  ['HPE_INVALID_CONSTANT', 'FailedError', 'NotHttp', /does not speak HTTP/],
  ['ESOMETHING', 'FailedError', 'ConnectionFailed', /could not be asked/],
];
test.each(broken)('%s is a %s whose sentence names the server', (code, name, reason, words) => {
  const error = toConnectionError(Object.assign(new Error('the fact'), { code }), server);
  expect(error).toMatchObject({ name, reason, fact: 'the fact' });
  expect(error.message).toMatch(words);
  expect(error.message).toContain(server.url);
  expect(error.hints).not.toHaveLength(0);
});

test('the reason is found inside of aggregates and causes, in circles too', () => {
  const inner = Object.assign(new Error('connect ECONNREFUSED ::1:6443'), { code: 'ECONNREFUSED' });
  const aggregate = Object.assign(new AggregateError([inner], ''), { code: 'ECONNREFUSED' });
  const outer = new TypeError('fetch failed', { cause: aggregate });
  Reflect.set(inner, 'cause', outer);
  expect(toConnectionError(outer, server)).toMatchObject({ reason: 'ConnectionRefused', fact: 'connect ECONNREFUSED ::1:6443' });
  expect(inspect(toConnectionError('just a text', server))).toContain('just a text');
});

const portForward: Question = { verb: 'get', kind: 'Pod', resource: apiResources.Pod, namespace: 'team-a', name: 'web-1', subresource: 'portforward' };

test.each([
  ['get', 'pods "web-1" is forbidden: User "jane" cannot get resource "pods/portforward" in API group "" in the namespace "team-a"'],
  // What 1.35 and newer say of the second of the two permissions.
  ['create', 'pods "web-1" is forbidden: '],
])('a port-forward that may not %s says so', (verb, words) => {
  const error = translate(403, 'Forbidden', words, {}, portForward);
  expect(error.message).toBe(`Not permitted: ${verb} the portforward of Pod/web-1 in namespace team-a.`);
  expect(error.hints[0]).toBe(`kubectl --context dev auth can-i ${verb} pods --subresource portforward -n team-a`);
});

test('a group that the server does not have is no sign of another server', () => {
  const about: Question = { verb: 'get', kind: 'Workspace', resource: { apiVersion: 'kaito.sh/v1beta1', plural: 'workspaces', namespaced: true } };
  const page = parseRefusal(404, '404 page not found\n');
  expect(toKaitoError(page, about, server)).toMatchObject({ reason: 'UnknownResource', message: 'The cluster does not know workspaces in kaito.sh/v1beta1.' });
  expect(toKaitoError(page, { verb: 'list', kind: 'Node', resource: apiResources.Node }, server).message).toBe('https://api.example:6443 answers, but not as a Kubernetes API server.');
});

test('an immutable field does not bury its own name under what it holds', () => {
  const value = JSON.stringify({ labels: { a: 'b' }, Spec: { Containers: Array.from({ length: 100 }, () => ({ Name: 'a', Image: null })) } });
  const words = `spec.template: Invalid value: ${value}: field is immutable`;
  const error = translate(422, 'Invalid', `Job.batch "web" is invalid: ${words}`, { causes: [{ reason: 'FieldValueInvalid', field: 'spec.template', message: words.slice('spec.template: '.length) }] });
  expect(error.message).toMatch(/^The API server does not accept Deployment\/web: spec\.template: Invalid value: \{"labels".*…\}: field is immutable$/);
  expect(error.message.length).toBeLessThan(250);
  expect(error.fact?.length).toBeLessThan(250);
});
